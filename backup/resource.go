package backup

import (
	"fmt"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Site is one account in one Region.
type Site struct {
	Account accounts.ID `json:"account"` // 12 digits
	Region  string      `json:"region"`  // "eu-west-1"
}

// String returns "222222222222/eu-west-1".
func (s Site) String() string { return string(s.Account) + "/" + s.Region }

// A Resource is what a recovery point is a point of: an EC2 instance with all
// its volumes, or a volume that is attached to none.
type Resource struct {
	ARN     string            `json:"arn"`            // "arn:aws:ec2:eu-west-1:222222222222:instance/i-…"
	Kind    string            `json:"kind"`           // "instance" or "volume"
	Site    Site              `json:"site"`           // that it lives in
	Name    string            `json:"name,omitempty"` // the Name tag
	Tags    map[string]string `json:"tags,omitempty"` // when it was discovered; none in a Job
	Members []Member          `json:"members"`        // at least one; a volume is its own only member
	// Excluded holds the volumes that are attached to the instance and are no members.
	Excluded []Member `json:"excluded,omitempty"`
	// Unprotected names what is attached and cannot be snapshotted, in words:
	// "2 instance-store volumes of 75 GB". It is told as an event.
	Unprotected []string `json:"unprotected,omitempty"`
	// Stopped says that the machine was switched off when it was discovered.
	Stopped bool    `json:"stopped,omitempty"`
	Machine Machine `json:"machine,omitzero"` // zero for a volume
}

// ID returns the last part of the ARN: "i-…" or "vol-…".
func (r Resource) ID() string {
	for i := len(r.ARN) - 1; i >= 0; i-- {
		if r.ARN[i] == '/' {
			return r.ARN[i+1:]
		}
	}
	return r.ARN
}

// sizeGiB returns the size of all members together.
func (r Resource) sizeGiB() (sum int64) {
	for _, m := range r.Members {
		sum += int64(m.SizeGiB)
	}
	return sum
}

// A Member is one volume of a resource. All members of a resource are
// snapshotted at one moment and live and die together.
type Member struct {
	Volume     string `json:"volume"`               // "vol-…"
	Device     string `json:"device,omitempty"`     // as the instance sees it; empty for a detached volume
	Root       bool   `json:"root,omitempty"`       // Device is the instance's root device
	Type       string `json:"type,omitempty"`       // gp3, io2, …
	SizeGiB    int32  `json:"sizeGiB"`              // of the whole volume
	IOPS       int32  `json:"iops,omitempty"`       // provisioned, for gp2 the baseline; zero if AWS names none
	Throughput int32  `json:"throughput,omitempty"` // MiB/s
	Encrypted  bool   `json:"encrypted,omitempty"`  // under KMSKey
	KMSKey     string `json:"kmsKey,omitempty"`     // key ARN of an encrypted volume
	// ManagedKey says that KMSKey is the AWS-managed key `aws/ebs`: snapshots
	// under it cannot be shared and are rekeyed first.
	ManagedKey bool `json:"managedKey,omitempty"`
	// KeyState is the state of KMSKey, as KMS names it, or KeyMissing, if it is
	// one in which the key cannot be used. Empty means that nothing of the kind
	// is known.
	KeyState string `json:"keyState,omitempty"`
}

// A Machine is what a restore needs to know of an instance beside its volumes.
type Machine struct {
	InstanceType string `json:"instanceType,omitempty"` // as AWS names it: "m7i.large"
	Zone         string `json:"zone,omitempty"`         // availability zone: "eu-west-1a"
	Architecture string `json:"architecture,omitempty"` // x86_64, arm64
	BootMode     string `json:"bootMode,omitempty"`     // legacy-bios, uefi, uefi-preferred; empty if AWS names none
	ENA          bool   `json:"ena,omitempty"`          // enhanced networking: EC2's EnaSupport
	RootDevice   string `json:"rootDevice,omitempty"`   // "/dev/xvda"
	// PlatformDetails and UsageOperation are what AWS bills the instance as:
	// "Windows" and "RunInstances:0002". Empty means that it is not known.
	PlatformDetails string `json:"platformDetails,omitempty"`
	UsageOperation  string `json:"usageOperation,omitempty"` // "RunInstances" for plain Linux
	// ProductCodes of the AWS Marketplace, sorted and parted by spaces.
	ProductCodes string `json:"productCodes,omitempty"`
	SRIOV        string `json:"sriov,omitempty"`  // EC2's SriovNetSupport: "simple"
	TPM          string `json:"tpm,omitempty"`    // EC2's TpmSupport: "v2.0"
	IMDSv2       bool   `json:"imdsv2,omitempty"` // it asks for a token wherever metadata is read
}

// Licensed says whether AWS, or a seller of its Marketplace, charges for what
// runs on the machine: Windows, Red Hat, SUSE, SQL Server. Such a machine can
// only be started from an image that carries the same codes (EC2 User Guide,
// "Understand AMI billing information").
func (m Machine) Licensed() bool {
	return m.ProductCodes != "" || m.UsageOperation != "" && m.UsageOperation != "RunInstances"
}

// Mismatch says in what an image is not billed as the machine, in words; "" if it
// is, or if it is not known what the machine is billed as.
func (m Machine) Mismatch(is Image) string {
	for _, f := range []struct{ name, want, is string }{
		{"platform", m.PlatformDetails, is.PlatformDetails},
		{"usage operation", m.UsageOperation, is.UsageOperation},
		{"product codes", m.ProductCodes, is.ProductCodes},
	} {
		if f.want != f.is && m.PlatformDetails+m.UsageOperation+m.ProductCodes != "" {
			return fmt.Sprintf("its %s is %q, want %q", f.name, f.is, f.want)
		}
	}
	return ""
}
