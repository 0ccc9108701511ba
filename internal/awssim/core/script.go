package core

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Script says which calls fail and how. It is a value that prints itself, and
// ParseScript reads what it printed, so that a run that went wrong can be
// repeated from its log:
//
//	seed 7
//	ec2:CopySnapshot nth 3: reset after
//	ec2:* from 1m for 30s chance 0.9: throttle
//	mutating by assumed-role/snapkeep- nth 5: die
//	* chance 0.01: refuse 503 Unavailable
//
// Rules are asked in order, and the first that falls strikes.
type Script struct {
	// Seed of the chances.
	Seed  uint64
	Rules []Rule
}

// A Rule is one line of a Script: for which calls it is, and what happens to
// them. The zero value of every field but Fault means all calls.
type Rule struct {
	// API is "ec2:CopySnapshot", or "ec2:*" for a whole service.
	API string
	// Mutating says that only calls are meant that may change something.
	Mutating bool
	// Account and Region that is called from and into.
	Account, Region string
	// By is a part of the caller's ARN.
	By string
	// Nth means the nth call that all this fits, from 1, and only that.
	Nth int
	// From and For are a time after the first call that the Script saw, and how
	// long the rule is good from then on. A zero For is for ever.
	From, For time.Duration
	// Chance of each call to be struck. Zero means 1.
	Chance float64
	Fault  Fault
}

// Decide returns the function to set with Cloud.SetFault. It begins from the
// start each time: a Script holds no state.
//
// Whether chance strikes a call depends on the seed, the rule, the account,
// Region and API and on how many such calls there were before it: not on what
// other workers call in the meantime.
func (s Script) Decide() func(CallInfo) Fault {
	t := &telling{Script: s, fitting: make([]int, len(s.Rules)), calls: map[place]uint64{}}
	return t.decide
}

// A telling is a Script under way.
type telling struct {
	Script
	begun   time.Time
	fitting []int // calls so far, by rule
	calls   map[place]uint64
}

// A place is where a call goes.
type place struct{ account, region, service, operation string }

func (t *telling) decide(c CallInfo) Fault {
	if t.begun.IsZero() {
		t.begun = c.Time
	}
	at := place{c.Account, c.Region, c.Service, c.Operation}
	t.calls[at]++
	var struck *Fault
	for i, r := range t.Rules {
		if !r.fits(c) {
			continue
		}
		t.fitting[i]++ // also for those that another rule has struck
		if struck != nil || r.Nth != 0 && r.Nth != t.fitting[i] || !r.within(c.Time.Sub(t.begun)) {
			continue
		}
		draw := mix(t.Seed+uint64(i), c.Account+c.Region+c.Service+c.Operation, t.calls[at])
		if r.Chance == 0 || float64(draw>>11)/(1<<53) < r.Chance {
			struck = &r.Fault
		}
	}
	if struck == nil {
		return Fault{}
	}
	return *struck
}

func (r Rule) fits(c CallInfo) bool {
	return (r.API == "" || r.API == c.Service+":"+c.Operation || r.API == c.Service+":*") && (!r.Mutating || c.Mutating) &&
		(r.Account == "" || r.Account == c.Account) && (r.Region == "" || r.Region == c.Region) && strings.Contains(c.Caller, r.By)
}

func (r Rule) within(age time.Duration) bool {
	return age >= r.From && (r.For == 0 || age < r.From+r.For)
}

// String returns the script, a line for each rule.
func (s Script) String() string {
	lines := []string{"seed " + strconv.FormatUint(s.Seed, 10)}
	for _, r := range s.Rules {
		lines = append(lines, r.String())
	}
	return strings.Join(lines, "\n")
}

// String returns the rule as a line of a Script.
func (r Rule) String() string {
	var words []string
	add := func(word, value string, set bool) {
		if set {
			words = append(words, word)
			if value != "" {
				words = append(words, value)
			}
		}
	}
	add(r.API, "", r.API != "")
	add("mutating", "", r.Mutating)
	add("account", r.Account, r.Account != "")
	add("region", r.Region, r.Region != "")
	add("by", r.By, r.By != "")
	add("nth", strconv.Itoa(r.Nth), r.Nth != 0)
	add("from", r.From.String(), r.From != 0)
	add("for", r.For.String(), r.For != 0)
	add("chance", strconv.FormatFloat(r.Chance, 'g', -1, 64), r.Chance != 0)
	if len(words) == 0 {
		words = []string{"*"}
	}
	return strings.Join(words, " ") + ": " + r.Fault.String()
}

// Weather is a Script in which any call may fail, in each of the ways with the
// chance given for it: half of the times before its effect, half after it, if
// the way has both. None stands for an answer that takes 10 s.
func Weather(seed uint64, chances map[Way]float64) Script {
	s := Script{Seed: seed}
	for way := range Way(len(ways)) {
		chance := min(chances[way], 1)
		if chance <= 0 {
			continue
		}
		f := Fault{Way: way}
		switch {
		case way == None:
			f.Delay = 10 * time.Second
		case !way.afterOnly() && way != Throttle && way != Expire:
			chance /= 2
			s.Rules = append(s.Rules, Rule{Chance: chance, Fault: f})
			f.After = true
		}
		s.Rules = append(s.Rules, Rule{Chance: chance, Fault: f})
	}
	return s
}

// Storm is a Script in which most calls of an API, "ec2:*" for example, are
// throttled for a while.
func Storm(seed uint64, api string, from, during time.Duration) Script {
	return Script{Seed: seed, Rules: []Rule{{API: api, From: from, For: during, Chance: 0.9, Fault: Fault{Way: Throttle}}}}
}

// Then returns a Script with the rules of another one after its own.
func (s Script) Then(other Script) Script {
	s.Rules = slices.Concat(s.Rules, other.Rules)
	return s
}
