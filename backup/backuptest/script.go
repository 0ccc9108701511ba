package backuptest

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Script says which calls fail and how, as text: a line for each rule, of
// which the first that fits strikes.
//
//	seed 7
//	ec2:CopySnapshot nth 3: reset after
//	ec2:* from 1m for 30s chance 0.9: throttle
//	mutating by assumed-role/snapkeep- nth 5: die
//	* chance 0.01: refuse 503 Unavailable
//
// Before the colon stands for which calls a rule is: an API, mutating (that may
// change something), account and region, by (a part of the caller's ARN), nth
// (only the nth of these), from and for (a time after the first call), chance.
// After it stands what happens: a Way in a word; a status and a code for
// refuse, a status for garbage; after, if the call takes effect first; delay and
// a duration. "slow 10s" only delays. A Script prints as the text that
// makes it, so that a run that went wrong can be repeated from its log. Copies
// of a Script are independent.
type Script struct{ inside core.Script }

// ParseScript reads a script. An error names the line.
func ParseScript(text string) (Script, error) {
	s, err := core.ParseScript(text)
	return Script{s}, err
}

// String returns the text of the script.
func (s Script) String() string { return s.inside.String() }

// Decide returns the function to give to Cloud.SetFault. It begins from the
// start each time. Which calls chance strikes depends on the seed and on what
// was called before at the same place, not on what other workers do.
func (s Script) Decide() func(Call) Fault {
	decide := s.inside.Decide()
	return func(c Call) Fault {
		return faultOf(decide(core.CallInfo{
			N: c.N, Time: c.Time, Account: c.Account.String(), Region: c.Region, Service: c.Service, Operation: c.Operation,
			Mutating: c.Mutating, Caller: c.Caller,
		}))
	}
}

// Then returns a script with the rules of another after those of s.
func (s Script) Then(other Script) Script { return Script{s.inside.Then(other.inside)} }

// Weather is a script in which any call may fail, in each of the ways with the
// chance given for it, from 0 to 1: before its effect or after it, as the way
// allows. None stands for an answer that takes 10 s.
func Weather(seed uint64, chances map[Way]float64) Script {
	inside := map[core.Way]float64{}
	for way, chance := range chances {
		inside[core.Way(way)] = chance
	}
	return Script{core.Weather(seed, inside)}
}

// Storm is a script in which nine of ten calls of an API, "ec2:*" for example,
// are throttled for a while, beginning so long after the first call.
func Storm(seed uint64, api string, from, during time.Duration) Script {
	return Script{core.Storm(seed, api, from, during)}
}
