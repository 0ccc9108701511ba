package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// struck are the numbers of the calls that a script strikes, of the calls
// that come one a second.
func struck(s core.Script, calls ...core.CallInfo) (hit []int) {
	decide := s.Decide()
	begin := time.Now()
	for i, c := range calls {
		c.N, c.Time = i+1, begin.Add(time.Duration(i)*time.Second)
		if f := decide(c); f.Way != core.None || f.Delay > 0 {
			hit = append(hit, c.N)
		}
	}
	return hit
}

func script(t testing.TB, text string) core.Script {
	t.Helper()
	s, err := core.ParseScript(text)
	require.NoError(t, err)
	return s
}

func TestWhichCallsAScriptStrikes(t *testing.T) {
	describe := core.CallInfo{Account: account, Region: "eu-west-1", Service: "ec2", Operation: "DescribeSnapshots", Caller: "arn:aws:iam::111111111111:user/alice"}
	copied := core.CallInfo{Account: account, Region: "eu-west-1", Service: "ec2", Operation: "CopySnapshot", Mutating: true, Caller: "arn:aws:sts::111111111111:assumed-role/snapkeep-x/s"}
	grant := core.CallInfo{Account: "222222222222", Region: "us-east-1", Service: "kms", Operation: "CreateGrant", Mutating: true}
	calls := []core.CallInfo{describe, copied, grant, copied, describe, copied, grant, copied}
	tests := []struct {
		script string
		want   []int
	}{
		{"*: reset", []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{"ec2:CopySnapshot: reset", []int{2, 4, 6, 8}},
		{"ec2:CopySnapshot nth 3: reset", []int{6}},
		{"kms:*: reset", []int{3, 7}},
		{"mutating: reset", []int{2, 3, 4, 6, 7, 8}},
		{"mutating nth 2: reset", []int{3}},
		{"account 222222222222 region us-east-1: reset", []int{3, 7}},
		{"by assumed-role/snapkeep-: reset", []int{2, 4, 6, 8}},
		{"from 2s for 3s: throttle", []int{3, 4, 5}},
		{"from 6s: throttle", []int{7, 8}},
		{"chance 1: slow 3s", []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{"ec2:CopySnapshot nth 1: reset; ec2:CopySnapshot nth 2: hang # both count both", []int{2, 4}},
		{"none: reset", nil},
		{"seed 1", nil},
	}
	for _, tt := range tests {
		s, err := core.ParseScript(tt.script)
		if tt.script == "none: reset" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, tt.script)
		require.Equal(t, tt.want, struck(s, calls...), tt.script)
		require.Equal(t, tt.want, struck(script(t, s.String()), calls...), s.String())
	}
}

func TestFaultsPrintThemselves(t *testing.T) {
	tests := map[string]core.Fault{
		"refuse":                     {Way: core.Refuse},
		"refuse 503 Unavailable":     {Way: core.Refuse, Error: core.Error{Code: "Unavailable", Status: 503}},
		"reset after":                {Way: core.Reset, After: true},
		"garbage 500 after delay 3s": {Way: core.Garbage, Status: 500, After: true, Delay: 3 * time.Second},
		"slow 1m0s":                  {Delay: time.Minute},
		"truncate":                   {Way: core.Truncate, After: true},
		"cut":                        {Way: core.Cut},
		"corrupt":                    {Way: core.Corrupt},
		"expire":                     {Way: core.Expire},
		"throttle":                   {Way: core.Throttle},
		"die after":                  {Way: core.Die, After: true},
		"hang":                       {Way: core.Hang},
	}
	for want, fault := range tests {
		require.Equal(t, want, fault.String())
		s := script(t, "*: "+want)
		require.Equal(t, want, s.Rules[0].Fault.String())
	}
	require.Equal(t, "way(99)", core.Way(99).String())
}

func TestBadScripts(t *testing.T) {
	for _, text := range []string{
		"ec2:CopySnapshot", "*: ", "*: explode", "*: refuse 7", "*: garbage 200", "*: hang 3", "nth x: reset", "nth: reset", "chance 2: reset",
		"chance NaN: reset", "sometimes 3: reset", "by0:: die", "by0::: die", ":CopySnapshot: die", "from 3: reset", "*: slow", "*: slow fast", "seed x",
	} {
		_, err := core.ParseScript("seed 1\n" + text)
		require.ErrorContains(t, err, "core: script line 2", text)
	}
}

// Chance is the same in every run of a seed, whatever is called in between.
func TestWeather(t *testing.T) {
	at := func(operation string, n int) []core.CallInfo {
		calls := make([]core.CallInfo, n)
		for i := range calls {
			calls[i] = core.CallInfo{Account: account, Region: "eu-west-1", Service: "ec2", Operation: operation}
		}
		return calls
	}
	chances := map[core.Way]float64{core.Reset: 0.1, core.Truncate: 0.05, core.None: 0.05}
	w := core.Weather(7, chances)
	require.Equal(t, "seed 7\nchance 0.05: slow 10s\nchance 0.05: reset\nchance 0.05: reset after\nchance 0.05: truncate", w.String())
	const n = 20_000
	hit := struck(w, at("CopySnapshot", n)...)
	require.InDelta(t, 0.185, float64(len(hit))/n, 0.01) // 1 - 0.95⁴
	require.Equal(t, hit, struck(script(t, w.String()), at("CopySnapshot", n)...))
	require.NotEqual(t, hit, struck(core.Weather(8, chances), at("CopySnapshot", n)...))

	var mixed []core.CallInfo
	for i, c := range at("CopySnapshot", 200) {
		mixed = append(mixed, at("DescribeSnapshots", i%3)...)
		mixed = append(mixed, c)
	}
	var among []int
	count := 0
	all := struck(w, mixed...)
	for i, c := range mixed {
		if c.Operation == "CopySnapshot" {
			count++
			for _, h := range all {
				if h == i+1 {
					among = append(among, count)
				}
			}
		}
	}
	require.Equal(t, struck(w, at("CopySnapshot", 200)...), among)
	require.Empty(t, core.Weather(1, nil).Rules)
}

func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := core.Storm(3, "ec2:*", time.Minute, 5*time.Minute).Then(script(t, "sts:*: reset"))
		w := newWorld(t, core.Options{OnCall: s.Decide()})
		client := w.ec2(w.user())
		refused := 0
		for i := range 100 {
			_, err := deleteSnapshot(t.Context(), client)
			calm := i < 15 || i > 92
			if err != nil {
				require.Equal(t, "RequestLimitExceeded", code(t, err))
				require.Equal(t, 503, status(err))
				require.False(t, calm, "call %d", i)
				refused++
			}
			time.Sleep(4 * time.Second)
		}
		require.Greater(t, refused, 55)
		require.Less(t, refused, 75)
		require.Equal(t, 100-refused, w.deletions)
		require.Error(t, calls(t.Context(), w.config(w.user(), ""))["sts"]())
	})
}

// A script that was read prints what reads the same.
func FuzzParseScript(f *testing.F) {
	f.Add("seed 7\nec2:CopySnapshot nth 3: reset after\n* chance 0.01: refuse 503 Unavailable")
	f.Add("mutating by a: from 1m for 30s: garbage 500 delay 3s; *: none after")
	f.Add("account 1 region x by :: die # gone")
	f.Add("account 1 region x by0:: die")
	f.Add("mutating by a:\ffrom 1m: die")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := core.ParseScript(text)
		if err != nil {
			return
		}
		again, err := core.ParseScript(s.String())
		require.NoError(t, err, s.String())
		require.Equal(t, fmt.Sprintf("%#v", s), fmt.Sprintf("%#v", again), s.String())
	})
}
