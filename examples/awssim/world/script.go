package world

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Script describes a simulated AWS. The zero value is one without accounts.
type Script struct {
	// Region of what names none. Empty means us-east-1.
	Region string `yaml:"region"`
	// Speed makes snapshots and copies complete so many times sooner. Zero
	// means 1.
	Speed     float64   `yaml:"speed"`
	Durations Durations `yaml:"durations"` // before Speed
	// Unlimited lets requests through at any rate.
	Unlimited bool `yaml:"unlimited"`
	// Managed lets Systems Manager reach every instance.
	Managed bool `yaml:"managed"`
	// Latency of a call. Zero means 50 ms, negative none.
	Latency time.Duration `yaml:"latency"`
	// WriteLatency is what calls that change something wait in addition,
	// before their effect. Zero means nothing.
	WriteLatency time.Duration `yaml:"writeLatency"`
	Quotas       Quotas        `yaml:"quotas"`   // of EC2, once the world is built
	Accounts     []Account     `yaml:"accounts"` // in the order in which they are built
	Faults       []Fault       `yaml:"faults"`   // the first that fits a call happens to it
}

// Durations of what takes time. In every field zero means backuptest's
// default, a negative duration none at all.
type Durations struct {
	Snapshot      time.Duration `yaml:"snapshot"`      // of every snapshot
	SnapshotBlock time.Duration `yaml:"snapshotBlock"` // for each changed block
	Copy          time.Duration `yaml:"copy"`          // of every copy of a snapshot
	CopyBlock     time.Duration `yaml:"copyBlock"`     // for each block that it transfers
	Volume        time.Duration `yaml:"volume"`        // until it is available
	Attachment    time.Duration `yaml:"attachment"`    // and detachment
	Instance      time.Duration `yaml:"instance"`      // until it is running, stopped or terminated
	Image         time.Duration `yaml:"image"`         // until it is available
	Archive       time.Duration `yaml:"archive"`       // of every snapshot that is archived
	Restore       time.Duration `yaml:"restore"`       // of every snapshot that comes back from the archive
	Account       time.Duration `yaml:"account"`       // until one of an organization is created or closed
	Command       time.Duration `yaml:"command"`       // until one of Systems Manager is found and delivered
}

// Quotas of EC2. In every field zero means AWS's, a negative number none.
type Quotas struct {
	PendingPerVolume int           `yaml:"pendingPerVolume"` // snapshots
	Spacing          time.Duration `yaml:"spacing"`          // between snapshots of one volume
	PendingPerSite   int           `yaml:"pendingPerSite"`   // snapshots of one account in one Region
	CopiesPerRegion  int           `yaml:"copiesPerRegion"`  // under way at a time
	SnapshotsPerSite int           `yaml:"snapshotsPerSite"` // in all
	UnseenIsNotFound bool          `yaml:"unseenIsNotFound"` // see backuptest.Quotas
}

// An Account and what is in it.
type Account struct {
	ID           string     `yaml:"id"`           // 12 digits, in quotes
	Partition    string     `yaml:"partition"`    // empty means "aws"
	Organization string     `yaml:"organization"` // such as "o-example"; empty means none
	Users        []User     `yaml:"users"`        // the first one's key stands for the account
	Roles        []Role     `yaml:"roles"`        // to be assumed
	SCPs         [][]Policy `yaml:"scps"`         // service control policies, one list for each level
	Keys         []Key      `yaml:"keys"`         // of KMS
	Volumes      []Volume   `yaml:"volumes"`      // detached ones
	Instances    []Instance `yaml:"instances"`    // running ones
}

// A User of IAM with one access key.
type User struct {
	Name     string     `yaml:"name"`     // required
	Key      *AccessKey `yaml:"key"`      // nil means one by chance
	Policies []Policy   `yaml:"policies"` // none allow nothing
}

// An AccessKey of a user.
type AccessKey struct {
	ID     string `yaml:"id"`     // of no other user
	Secret string `yaml:"secret"` // as clients sign with it
}

// A Role of IAM.
type Role struct {
	Name       string            `yaml:"name"`       // required
	Path       string            `yaml:"path"`       // empty means "/"
	Trust      Policy            `yaml:"trust"`      // who may assume it; required
	Policies   []Policy          `yaml:"policies"`   // none allow nothing
	Boundary   Policy            `yaml:"boundary"`   // of its permissions; none if absent
	MaxSession time.Duration     `yaml:"maxSession"` // zero means 1 h
	Tags       map[string]string `yaml:"tags"`       // of the principal
}

// A Key of KMS.
type Key struct {
	Alias  string `yaml:"alias"`  // without "alias/"; required
	Region string `yaml:"region"` // empty means the script's
	Policy Policy `yaml:"policy"` // empty means KMS's default: the account decides
}

// A Volume of EBS, and what is on it.
type Volume struct {
	Name      string            `yaml:"name"`      // the tag Name; required for detached ones
	Region    string            `yaml:"region"`    // of detached ones; empty means the script's
	Zone      string            `yaml:"zone"`      // its letter, for detached ones; empty means "a"
	Device    string            `yaml:"device"`    // of attached ones: "/dev/sdf"
	Size      int32             `yaml:"size"`      // GiB; zero means 8
	Type      string            `yaml:"type"`      // empty means gp3
	Encrypted bool              `yaml:"encrypted"` // under the account's default key unless Key says
	Key       string            `yaml:"key"`       // alias of one of the account's keys in the Region; it encrypts
	Tags      map[string]string `yaml:"tags"`      // beside Name
	Blocks    map[int64]string  `yaml:"blocks"`    // text by index of blocks of 512 KiB
	Snapshots int               `yaml:"snapshots"` // how many there are of it already; of detached ones
}

// An Instance of EC2.
type Instance struct {
	Name    string            `yaml:"name"`    // the tag Name; required
	Region  string            `yaml:"region"`  // empty means the script's
	Type    string            `yaml:"type"`    // empty means t3.micro
	Tags    map[string]string `yaml:"tags"`    // beside Name
	Volumes []Volume          `yaml:"volumes"` // beside the root volume
}

// Parse reads a Script and checks it. Files that policies are in are opened
// with open. Nothing is built yet.
func Parse(text []byte, open func(name string) ([]byte, error)) (*Script, error) {
	s := &Script{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("script: %w", err)
	}
	if err := d.Decode(&Script{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("script: there is more than one document")
	}
	if err := s.resolve(open); err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	return s, nil
}
