package restore

import (
	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A Kind is what a recovery point is made into.
type Kind string

// The kinds of restores.
const (
	// Volumes makes a volume of every member, attached to nothing.
	Volumes Kind = "volumes"
	// Instance makes a running instance with all its volumes.
	Instance Kind = "instance"
)

// A Request says what to restore, and where. It is plain data.
type Request struct {
	// ID of the restore: 1 to 64 of A-Z, a-z, 0-9 and . _ -. It is on everything
	// the restore makes. A Run with the ID of an earlier one goes on where that
	// ended; so an ID is used for one restore only.
	ID string `json:"id"`
	// Point to restore, from Engine.Points: complete, and a copy unless Account
	// owns it. To make an instance that AWS bills apart, such as one of Windows,
	// it needs its Image: read it with backup.PointFilter.Images.
	Point backup.Point `json:"point"`
	// Account that is restored into, with a role for accounts.Restore. If it
	// is not the owner of the point, that account needs one for accounts.VaultSharer.
	Account accounts.ID `json:"account"`
	// Region that is restored into; it need not be that of the point.
	Region string `json:"region"`
	// Zone of the volumes. For an instance, empty leaves the choice to
	// Instance.SubnetID or, without one, to AWS.
	Zone string `json:"zone,omitempty"`
	// KMSKey is the ARN of the key of Account in Region under which everything
	// is written. It is required: nothing restored depends on the vault's key.
	KMSKey string `json:"kmsKey"`
	// As says what is made.
	As Kind `json:"as"`
	// Instance says how the instance is started; zero for volumes.
	Instance Launch `json:"instance,omitzero"`
	// Tags of the volumes and the instance, beside those that mark the
	// restore. Keys that begin with "aws:" or "snapkeep:" are refused.
	Tags map[string]string `json:"tags,omitempty"`
	// VolumeTags are further tags of single volumes, by the id of the volume that
	// was backed up; they win over Tags. They are for volumes only: those of an
	// instance are in Launch.
	VolumeTags map[string]map[string]string `json:"volumeTags,omitempty"`
}

// A Launch says how a restored instance is started. The zero Launch starts
// the type that was backed up where AWS puts it by default, without a key pair
// or a role.
type Launch struct {
	// InstanceType; empty means that of the backed-up instance.
	InstanceType string `json:"instanceType,omitempty"`
	// SubnetID; empty means the default subnet of the zone.
	SubnetID string `json:"subnetId,omitempty"`
	// SecurityGroupIDs; empty means the default group.
	SecurityGroupIDs []string `json:"securityGroupIds,omitempty"`
	// KeyName of an SSH key pair of the account; empty means none.
	KeyName string `json:"keyName,omitempty"`
	// InstanceProfileARN; empty means none. The restore role must be allowed
	// to pass the profile's role.
	InstanceProfileARN string `json:"instanceProfileArn,omitempty"`

	// Tags and VolumeTags are further tags of the instance, and of all its
	// volumes; they win over Request.Tags.
	Tags       map[string]string `json:"tags,omitempty"`
	VolumeTags map[string]string `json:"volumeTags,omitempty"` // of all volumes alike
	// DeleteOnTermination lists the devices of volumes that go when the instance
	// is terminated. None means that all outlive it.
	DeleteOnTermination []string `json:"deleteOnTermination,omitempty"`
	// Metadata is how the instance may ask for its metadata (IMDS). Fields that
	// are zero are left to the account's defaults.
	Metadata     Metadata `json:"metadata,omitzero"`
	Monitoring   bool     `json:"monitoring,omitempty"`   // detailed, which costs money
	EBSOptimized bool     `json:"ebsOptimized,omitempty"` // false means the default of the type
	Hibernation  bool     `json:"hibernation,omitempty"`  // the instance may be hibernated
	KeepAlive    bool     `json:"keepAlive,omitempty"`    // protected from termination (DisableApiTermination)
	KeepRunning  bool     `json:"keepRunning,omitempty"`  // protected from being stopped (DisableApiStop)
	// Shutdown is what a shutdown from within does: "stop" or "terminate". Empty
	// means "stop".
	Shutdown string `json:"shutdown,omitempty"`
	// UserData in base64. It is shown by no String, event or error; the JSON of a
	// request holds it. Empty means none.
	UserData backup.Secret `json:"userData,omitzero"`
}

// Metadata is how an instance may ask for its metadata (EC2 API Reference,
// InstanceMetadataOptionsRequest).
type Metadata struct {
	Tokens   string `json:"tokens,omitempty"`   // "optional" or "required"
	Endpoint string `json:"endpoint,omitempty"` // "enabled" or "disabled"
	IPv6     string `json:"ipv6,omitempty"`     // "enabled" or "disabled"
	Tags     string `json:"tags,omitempty"`     // of the instance, in its metadata: "enabled" or "disabled"
	HopLimit int32  `json:"hopLimit,omitempty"` // of the answers, 1 to 64
}

// site is where the restore happens.
func (q Request) site() backup.Site { return backup.Site{Account: q.Account, Region: q.Region} }

// shares says whether the point must be shared with the account first.
func (q Request) shares() bool { return q.Account != q.Point.Site.Account }

// instanceType is the type that is started.
func (q Request) instanceType() string {
	if q.Instance.InstanceType != "" {
		return q.Instance.InstanceType
	}
	return q.Point.Machine.InstanceType
}

// root is the member that the instance boots from, if there is one.
func (q Request) root() (backup.PointMember, bool) {
	for _, m := range q.Point.Members {
		if m.Root {
			return m, true
		}
	}
	return backup.PointMember{}, false
}
