package world

import (
	"fmt"
	"math/rand/v2"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// A Fault says which calls fail, and how. Empty fields of the first group fit
// every call.
type Fault struct {
	Service   string `yaml:"service"`   // "ec2"
	Operation string `yaml:"operation"` // "CopySnapshot"
	Account   string `yaml:"account"`   // of the caller
	Region    string `yaml:"region"`    // that was called
	Writes    bool   `yaml:"writes"`    // only calls that may change something

	Skip   int     `yaml:"skip"`   // so many fitting calls are let through first
	Every  int     `yaml:"every"`  // of the others each such one; zero means 1
	Times  int     `yaml:"times"`  // at most so often; zero means without end
	Chance float64 `yaml:"chance"` // between 0 and 1; zero means 1

	// Way is refuse, reset, hang, garbage (HTML with status 503) or truncate.
	Way string `yaml:"way"`
	// After says that the call takes effect and only its answer is lost.
	After  bool   `yaml:"after"`
	Code   string `yaml:"code"`   // of refuse; empty means an internal error
	Status int    `yaml:"status"` // of refuse; zero means 400, or 500 without a code
}

var ways = map[string]backuptest.Way{
	"refuse": backuptest.Refuse, "reset": backuptest.Reset, "hang": backuptest.Hang,
	"garbage": backuptest.Garbage, "truncate": backuptest.Truncate,
}

func (f Fault) check() error {
	switch {
	case ways[f.Way] == backuptest.None:
		return fmt.Errorf("way %q: want refuse, reset, hang, garbage or truncate", f.Way)
	case f.Skip < 0 || f.Every < 0 || f.Times < 0:
		return fmt.Errorf("skip, every and times are not below zero")
	case f.Chance < 0 || f.Chance > 1:
		return fmt.Errorf("chance %v: want 0 to 1", f.Chance)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status %d: want 400 to 599", f.Status)
	case f.Way != "refuse" && (f.Code != "" || f.Status != 0):
		return fmt.Errorf("code and status are of way refuse")
	}
	return nil
}

func (f Fault) fits(c backuptest.Call) bool {
	return (f.Service == "" || f.Service == c.Service) &&
		(f.Operation == "" || f.Operation == c.Operation) &&
		(f.Account == "" || f.Account == c.Account.String()) &&
		(f.Region == "" || f.Region == c.Region) &&
		(!f.Writes || c.Mutating)
}

// decider returns who decides on faults. It is asked about one call at a time.
func decider(faults []Fault, seed uint64) func(backuptest.Call) backuptest.Fault {
	rng := rand.New(rand.NewPCG(seed, 0xfa17))
	seen, struck := make([]int, len(faults)), make([]int, len(faults))
	return func(c backuptest.Call) backuptest.Fault {
		for i, f := range faults {
			if !f.fits(c) || f.Times > 0 && struck[i] >= f.Times {
				continue
			}
			seen[i]++
			n := seen[i] - f.Skip
			if n <= 0 || n%max(f.Every, 1) != 0 || f.Chance > 0 && rng.Float64() >= f.Chance {
				continue
			}
			struck[i]++
			return backuptest.Fault{Way: ways[f.Way], After: f.After, Code: f.Code, Status: f.Status}
		}
		return backuptest.Fault{}
	}
}
