package backup

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

// A Quiesce says how what runs on an instance is brought to rest while its
// volumes are snapshotted: by two scripts, Before and After, or by VSS. It
// concerns instances; a volume that is attached to none has nothing that could
// rest.
//
// Scripts are command documents of Systems Manager in the protected account,
// which its agent runs on the instance. The backup role must be allowed to run
// them, see iampolicy.Protected.Documents.
//
// After is run whatever happens once Before may have begun: when it failed or
// did not end, when no snapshot could be made, and by another process that
// takes the run up. It is sent before anything else is done for the instance
// once the snapshots are begun. It may run more than once, and must not mind.
// That the instance comes back to life though no engine ever comes back is the
// business of Before: it must end the rest by itself HoldSeconds after it was
// started, as AWS's templates for Data Lifecycle Manager do (EBS User Guide,
// "Prepare SSM documents").
type Quiesce struct {
	// Before brings the instance to rest; After ends that. Both, or VSS.
	Before *Script `json:"before,omitempty"`
	After  *Script `json:"after,omitempty"` // must not mind being run when nothing is at rest
	// VSS lets Windows do it, and take the snapshots, too.
	VSS *VSS `json:"vss,omitempty"`
	// HoldSeconds is how long the instance stays at rest at most, counted from
	// the sending of Before: later, snapshots are not made, and if they are do
	// not count as consistent. 30 to 3,600. Zero means 240.
	HoldSeconds int `json:"holdSeconds,omitempty"`
	// Attempts is how often it is tried to bring the instance to rest in one
	// run, 1 to 4. Zero means 2.
	Attempts int `json:"attempts,omitempty"`
	// Fallback makes a crash-consistent point, marked FellBack, if the attempts
	// fail. False fails the job.
	Fallback bool `json:"fallback,omitempty"`
}

// A Script is a command document of Systems Manager.
type Script struct {
	// Document is its name or ARN. One that another account shares needs the ARN.
	Document string `json:"document"`
	// Parameters of the document. They are stored in the plan and in jobs, and
	// AWS shows them to who may list commands: a secret belongs into Parameter
	// Store or Secrets Manager, where the script finds it. They are in no event,
	// log, report text or error.
	Parameters map[string][]string `json:"parameters,omitempty"`
	// TimeoutSeconds is how long the script may take until it has succeeded,
	// counted from its sending. How long the agent lets it run is the document's
	// to say. 30, the least that SendCommand takes, to 3,600. Zero means 60.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`
}

// VSS lets AWS's VSS components on a Windows instance make the snapshots while
// Windows holds all writers still, which it does for ten seconds at most (EC2
// User Guide, "How the solution for VSS based EBS snapshots works"). So the
// snapshots are made by the instance, with the rights of its own profile
// (AWS's policy AWSEC2VssSnapshotPolicy), and with the tags of this engine.
// Two calls from outside, AWSEC2-ManageVssIO to freeze and to thaw, are too slow for
// that: AWS says not to use that document by itself.
//
// The components must be of a version that makes all snapshots in one call;
// what older ones make one by one is no point. They cannot leave single data
// volumes out: a resource with such exclusions fails, or falls back.
type VSS struct {
	// Document is its name or ARN. Empty means AWSEC2-CreateVssSnapshot.
	Document string `json:"document,omitempty"`
	// NoWriters leaves the writers of applications out: what is written is
	// consistent for file systems only.
	NoWriters bool `json:"noWriters,omitempty"`
	// TimeoutSeconds is as in Script. Zero means 600.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`
}

// vssDocument is AWS's document that makes VSS based snapshots (EC2 User
// Guide, "Use Systems Manager command documents to create VSS based snapshots").
const vssDocument = "AWSEC2-CreateVssSnapshot"

func (s Script) timeout() time.Duration { return seconds(s.TimeoutSeconds, 60) }

func (q Quiesce) hold() time.Duration { return seconds(q.HoldSeconds, 240) }

func (q Quiesce) attempts() int {
	if q.Attempts == 0 {
		return 2
	}
	return q.Attempts
}

func seconds(n, zero int) time.Duration {
	if n == 0 {
		n = zero
	}
	return time.Duration(n) * time.Second
}

// clone shares nothing with q.
func (q *Quiesce) clone() *Quiesce {
	if q == nil {
		return nil
	}
	c := *q
	script := func(s *Script) *Script {
		if s == nil {
			return nil
		}
		t := *s
		t.Parameters = maps.Clone(s.Parameters)
		for k, v := range t.Parameters {
			t.Parameters[k] = slices.Clone(v)
		}
		return &t
	}
	c.Before, c.After = script(q.Before), script(q.After)
	if q.VSS != nil {
		v := *q.VSS
		c.VSS = &v
	}
	return &c
}

// documentName is what SendCommand takes for a document (Systems Manager API
// Reference, SendCommand: DocumentName).
var documentName = regexp.MustCompile(`^[a-zA-Z0-9_.:/-]{3,200}$`)

// quiesce checks a Quiesce. Values of parameters are not in what it says.
func (c *planCheck) quiesce(field string, q *Quiesce) {
	if q == nil {
		return
	}
	switch scripts := q.Before != nil || q.After != nil; {
	case scripts && q.VSS != nil:
		c.wrong(field, "has scripts and vss: want one of them")
	case !scripts && q.VSS == nil:
		c.wrong(field, "has neither scripts nor vss")
	case scripts && q.Before == nil:
		c.wrong(field+".before", "is empty: nothing would be brought to rest")
	case scripts && q.After == nil:
		c.wrong(field+".after", "is empty: nothing would end the rest")
	}
	c.script(field+".before", q.Before)
	c.script(field+".after", q.After)
	if q.VSS != nil {
		if q.VSS.Document != "" && !documentName.MatchString(q.VSS.Document) {
			c.wrong(field+".vss.document", "%q is not the name or the ARN of a document", q.VSS.Document)
		}
		c.within(field+".vss.timeoutSeconds", q.VSS.TimeoutSeconds, 30, 3600)
	}
	c.within(field+".holdSeconds", q.HoldSeconds, 30, 3600)
	c.within(field+".attempts", q.Attempts, 1, 4)
	if q.Before != nil && q.Before.timeout() > q.hold() {
		c.wrong(field+".before.timeoutSeconds", "%v is longer than the rest of %v that holdSeconds allows", q.Before.timeout(), q.hold())
	}
}

func (c *planCheck) script(field string, s *Script) {
	if s == nil {
		return
	}
	if !documentName.MatchString(s.Document) {
		c.wrong(field+".document", "%q is not the name or the ARN of a document", s.Document)
	}
	if _, ok := s.Parameters[""]; ok {
		c.wrong(field+".parameters", "has an empty name")
	}
	c.within(field+".timeoutSeconds", s.TimeoutSeconds, 30, 3600)
}

// within reports a number that is neither zero, for the default, nor in its range.
func (c *planCheck) within(field string, n, from, to int) {
	if n != 0 && (n < from || n > to) {
		c.wrong(field, "%d: want %d to %d, or zero for the default", n, from, to)
	}
}
