package iampolicy_test

import (
	"bytes"
	"testing"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// BenchmarkEvaluate judges a request as the role of a target account gets it:
// thirteen statements, a tag condition on the one that matches.
func BenchmarkEvaluate(b *testing.B) {
	set := iampolicy.PolicySet{Identity: []*iampolicy.Document{load(b, "target-backup.json")}}
	for _, bm := range []struct {
		name    string
		req     iampolicy.Request
		outcome iampolicy.Outcome
	}{
		{"Allowed", iampolicy.Request{
			Principal: iampolicy.Principal{
				ARN:     "arn:aws:sts::111111111111:assumed-role/backup/run",
				RoleARN: "arn:aws:iam::111111111111:role/bk/backup",
			},
			Action:   "ec2:CreateTags",
			Resource: "arn:aws:ec2:eu-west-1::snapshot/snap-1",
			Context: map[string][]string{
				"aws:ResourceTag/bk:owner": {"install-7f3a"},
				"aws:RequestTag/bk:state":  {"copied"},
				"aws:TagKeys":              {"bk:state"},
				"aws:RequestedRegion":      {"eu-west-1"},
				"aws:SourceIp":             {"192.0.2.1"},
			},
		}, iampolicy.Allowed},
		{"Denied", iampolicy.Request{
			Principal: iampolicy.Principal{ARN: "arn:aws:sts::111111111111:assumed-role/backup/run"},
			Action:    "ec2:TerminateInstances",
			Resource:  "arn:aws:ec2:eu-west-1:111111111111:instance/i-1",
			Context:   map[string][]string{"aws:RequestedRegion": {"eu-west-1"}},
		}, iampolicy.ImplicitDeny},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := iampolicy.Evaluate(bm.req, set); d.Outcome != bm.outcome {
					b.Fatal(d)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := read(b, "target-backup.json")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := iampolicy.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAndCanonicalise(b *testing.B) {
	text := bytes.TrimSpace(read(b, "target-backup.json"))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := iampolicy.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if d.Canonical().Version == "" {
			b.Fatal("no version")
		}
	}
}

// BenchmarkCheck judges the role of a target account: every rule of Validate
// and Lint, with lines.
func BenchmarkCheck(b *testing.B) {
	text := read(b, "target-backup.json")
	iampolicy.KnowledgeVersion() // read once, not here
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		iampolicy.Check(text, iampolicy.KindIdentity)
	}
}

// BenchmarkDigest is what it takes to tell whether a document has changed.
func BenchmarkDigest(b *testing.B) {
	d := load(b, "target-backup.json")
	b.ReportAllocs()
	for b.Loop() {
		d.Digest()
	}
}
