package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snapkeep/snapkeep/accounts"
)

// ManifestVersion is the version of manifests that this package makes and takes.
const ManifestVersion = 1

// MaxManifest is how large an encoded manifest may be, in bytes. The tags of
// 128 volumes, all as long as EC2 allows, and 16 KiB of user data fit.
const MaxManifest = 4 << 20

// A Manifest is what a restore needs of a resource beyond its blocks, as it was
// when the recovery point was made. It is plain data. It holds no time, so that
// a resource that has not changed has the same manifest, and the same digest,
// when a run that was cut off captures it again.
//
// Encode writes it, ParseManifest reads it. The digest of the encoded form is
// in the tags of the point's snapshots, the form itself in a store of Manifests.
type Manifest struct {
	Version  int         `json:"version"`  // ManifestVersion
	Vault    accounts.ID `json:"vault"`    // Options.Vault of the engine that stored it
	Plan     string      `json:"plan"`     // Plan.Name
	Run      string      `json:"run"`      // RunID of the run
	Point    string      `json:"point"`    // Point.ID
	Resource string      `json:"resource"` // ARN of the protected resource
	Kind     string      `json:"kind"`     // "instance" or "volume"
	Site     Site        `json:"site"`     // that the resource lives in
	// Tags of the resource itself, those of AWS ("aws:…") among them.
	Tags map[string]string `json:"tags,omitempty"`
	// Volumes are all EBS volumes that were attached, sorted by id; those that
	// the plan leaves out of the point too.
	Volumes []ManifestVolume `json:"volumes,omitempty"`
	// Instance is nil for a volume.
	Instance *ManifestInstance `json:"instance,omitempty"`
}

// A ManifestVolume is what a volume had beside its blocks.
type ManifestVolume struct {
	Volume     string `json:"volume"`               // "vol-…"
	Zone       string `json:"zone,omitempty"`       // availability zone
	Device     string `json:"device,omitempty"`     // as the instance saw it; empty for a detached volume
	Type       string `json:"type,omitempty"`       // gp3, io2, …
	SizeGiB    int32  `json:"sizeGiB,omitempty"`    // of the whole volume
	IOPS       int32  `json:"iops,omitempty"`       // provisioned, for gp2 the baseline
	Throughput int32  `json:"throughput,omitempty"` // MiB/s
	Encrypted  bool   `json:"encrypted,omitempty"`  // under KMSKey
	KMSKey     string `json:"kmsKey,omitempty"`     // key ARN of an encrypted volume
	// DeleteOnTermination says that the volume goes when its instance is terminated.
	DeleteOnTermination bool `json:"deleteOnTermination,omitempty"`
	// MultiAttach says that several instances can have the volume at a time.
	MultiAttach bool              `json:"multiAttach,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"` // all of the volume's own
}

// Encode returns the manifest as it is stored, and the digest of that: the
// SHA-256 in lower-case hex. It fails if the manifest is none that
// ParseManifest would take; the error wraps ErrManifest.
func (m Manifest) Encode() (body []byte, digest string, err error) {
	if err := m.check(); err != nil {
		return nil, "", err
	}
	if body, err = json.Marshal(m); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if len(body) > MaxManifest {
		return nil, "", fmt.Errorf("%w: %d bytes, and at most %d are taken", ErrManifest, len(body), MaxManifest)
	}
	return body, ManifestDigest(body), nil
}

// ManifestDigest returns the SHA-256 of an encoded manifest in lower-case hex.
func ManifestDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// ParseManifest reads an encoded manifest. Another version, a field that
// Manifest does not have, or anything behind the manifest is an error that wraps
// ErrManifest: half of a manifest must not be taken for the whole. What was read
// is never quoted in the error, since it may hold user data.
func ParseManifest(body []byte) (Manifest, error) {
	if len(body) > MaxManifest {
		return Manifest{}, fmt.Errorf("%w: %d bytes, and at most %d are taken", ErrManifest, len(body), MaxManifest)
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return Manifest{}, unreadable(err)
	}
	if head.Version != ManifestVersion {
		return Manifest{}, fmt.Errorf("%w: version %d, want %d", ErrManifest, head.Version, ManifestVersion)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, unreadable(err)
	}
	return m, m.check()
}

// unreadable tells where an encoded manifest is wrong, and not what stands there.
func unreadable(err error) error {
	if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%w: not JSON, at byte %d", ErrManifest, wrong.Offset)
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%w: field %q is no %s, at byte %d", ErrManifest, wrong.Field, wrong.Type, wrong.Offset)
	}
	return fmt.Errorf("%w: has a field that is not known", ErrManifest)
}

// check says why a manifest is none: it must name its point and its resource,
// and they must fit.
func (m Manifest) check() error {
	a, err := parseARN(m.Resource)
	switch plan, _, ok := parseRunID(m.Run); {
	case m.Version != ManifestVersion:
		return fmt.Errorf("%w: version %d, want %d", ErrManifest, m.Version, ManifestVersion)
	case !ok || plan != m.Plan:
		return fmt.Errorf("%w: its run is none of its plan", ErrManifest)
	case err != nil || a.site != m.Site || a.kind != m.Kind:
		return fmt.Errorf("%w: its resource is not of its site and kind", ErrManifest)
	case m.Point != pointID(m.Vault, m.Run, m.Resource):
		return fmt.Errorf("%w: its point is not that of its run and resource", ErrManifest)
	}
	return nil
}
