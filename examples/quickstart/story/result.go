package story

import (
	"encoding/json"
	"time"
)

// A Result is what the story came to.
type Result struct {
	RecoveryPoints  int     `json:"recovery_points"`  // made in the protected accounts
	Copies          int     `json:"copies"`           // of them, verified in the vault
	Pruned          int     `json:"pruned"`           // originals and copies
	Left            int     `json:"left"`             // copies in the vault at the end
	RestoredVolumes int     `json:"restored_volumes"` // in the clean account
	Identical       bool    `json:"identical"`        // to what was backed up, byte for byte
	Attacks         Attacks `json:"attacks"`          // of the intruder, and their controls
	APICalls        int     `json:"api_calls"`        // of the whole story, on all services
	Throttled       int     `json:"throttled"`        // of APICalls, refused for their rate
	// CallsPerVolume is how many calls the backup runs made over the volumes
	// they snapshotted and copied.
	CallsPerVolume float64 `json:"calls_per_volume"`
	Virtual        Virtual `json:"virtual"` // time that passed in the simulation
}

// Attacks counts what the intruder tried. Each attack also runs with its one
// guard removed, and must then succeed: Controls counts those that did.
type Attacks struct {
	Tried     int `json:"tried"`     // with all guards in place
	Succeeded int `json:"succeeded"` // of Tried; must be none
	Controls  int `json:"controls"`  // must equal Tried
	// Named lists the attacks.
	Named []AttackResult `json:"named"`
}

// An AttackResult is what became of one attack.
type AttackResult struct {
	Name      string `json:"name"`      // what was tried, in words
	Guard     string `json:"guard"`     // what shuts it out, in words
	Succeeded bool   `json:"succeeded"` // with all guards in place
	Control   bool   `json:"control"`   // it succeeds with the guard removed
}

// OK says whether the story ended well.
func (r *Result) OK() bool {
	return r.Identical && r.RestoredVolumes > 0 && r.Attacks.Succeeded == 0 && r.Attacks.Controls == r.Attacks.Tried
}

// Virtual is a duration that is written as Go writes durations.
type Virtual time.Duration

// MarshalJSON returns the duration as a string, such as "528h12m0s".
func (v Virtual) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(v).String()) }

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Virtual) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	d, err := time.ParseDuration(s)
	*v = Virtual(d)
	return err
}
