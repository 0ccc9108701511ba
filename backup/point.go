package backup

import (
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// A Point is one recovery point at one site, as the catalog knows it: the
// originals in a protected account, or the copies in a vault.
type Point struct {
	// ID is the same for the originals and all copies of one moment of one resource.
	ID   string `json:"id"`
	Plan string `json:"plan"` // Plan.Name
	// Run is the moment of the run, (plan, at).
	Run time.Time `json:"run"`
	// Site that owns the snapshots.
	Site Site `json:"site"`
	// Copy says that these are copies, Source that they come from there.
	Copy   bool `json:"copy,omitempty"`
	Source Site `json:"source"` // equal to Site for originals
	// Resource is the ARN of the protected resource, Kind its kind.
	Resource string `json:"resource"`
	Kind     string `json:"kind"` // "instance" or "volume"
	// Time the data is from: the StartTime of the originals.
	Time time.Time `json:"time"`
	// Consistency the data are in; of originals, as their own account claims.
	Consistency Consistency `json:"consistency,omitempty"`
	// State is Complete when every member is completed and verified.
	State   retention.State `json:"state"`
	Members []PointMember   `json:"members"`          // those that were found: all of them, if State is Complete
	Machine Machine         `json:"machine,omitzero"` // at the time of the run; zero for a volume
	// Manifest is the digest that the tags name of what a restore needs beyond
	// blocks; empty if they name none. Engine.Manifest reads and verifies it.
	Manifest string `json:"manifest,omitempty"`
	// Image of the copies, see Copy.Image; nil if there is none, and where
	// PointFilter.Images was not set.
	Image *Image `json:"image,omitempty"`
	// Extra holds snapshots of the same point that no restore needs: what a
	// lost answer doubled, failed copies, intermediates of a rekey that were
	// left. They go when the point goes.
	Extra []Snapshot `json:"extra,omitempty"`
}

// A PointMember is one snapshot of a point and the volume it is of. The
// member's Encrypted and KMSKey are those of the source volume where known;
// the snapshot's own are in Snapshot.
type PointMember struct {
	Member
	Snapshot Snapshot `json:"snapshot"` // as it was listed
}

// A PointFilter narrows the catalog. Zero fields do not narrow, but for the
// sites: the catalog is in the cloud, and the engine must be told where to look.
// A filter that names no site, as the zero one, finds nothing. Plan.Filter makes
// one for all points of a plan.
type PointFilter struct {
	// Sites to read. Sites of the vault account are read as
	// accounts.VaultWriter, and copies there are believed; all others as
	// accounts.Backup: they are protected accounts, where copies count only if
	// they come from the same account.
	Sites []Site
	// CopySites are destinations outside the vault account: read as
	// accounts.VaultWriter, for copies only. Plan.Filter knows a plan's.
	CopySites []Site
	Plan      string      // Plan.Name
	Resource  string      // ARN
	Account   accounts.ID // the protected account
	CopyOnly  bool        // leaves originals out
	Images    bool        // finds the image of each point, by one more listing of each site with copies
}

// Filter returns the filter for all points of the plan, when vault is the
// engine's Options.Vault.
func (p Plan) Filter(vault accounts.ID) PointFilter {
	f := PointFilter{Plan: p.Name, Sites: p.SourceSites()}
	for _, s := range p.CopySites() {
		if s.Account != vault {
			f.CopySites = append(f.CopySites, s)
		} else if !slices.Contains(f.Sites, s) {
			f.Sites = append(f.Sites, s)
		}
	}
	return f
}
