package ec2sim

import (
	"strings"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An idKind is the shape of one kind of id and the errors that speak of it.
// Source: EC2 API Reference, "Error codes".
type idKind struct {
	prefix    string
	kind      string // as in ARNs and TagSpecifications
	malformed string
}

var (
	snapshotID = idKind{prefix: "snap-", kind: "snapshot", malformed: "InvalidSnapshotID.Malformed"}
	volumeID   = idKind{prefix: "vol-", kind: "volume", malformed: "InvalidVolumeID.Malformed"}
	instanceID = idKind{prefix: "i-", kind: "instance", malformed: "InvalidInstanceID.Malformed"}
	imageID    = idKind{prefix: "ami-", kind: "image", malformed: "InvalidAMIID.Malformed"}
)

// checkID checks that an id has the shape of its kind: the prefix and 8 or 17
// hexadecimal digits.
func checkID(id string, k idKind) error {
	digits, ok := strings.CutPrefix(id, k.prefix)
	if !ok || len(digits) != 8 && len(digits) != 17 || strings.Trim(digits, "0123456789abcdef") != "" {
		return core.Errorf(k.malformed, "Invalid id: \"%s\" (expecting \"%s...\")", id, k.prefix)
	}
	return nil
}
