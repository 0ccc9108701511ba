package retention_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

// resticFile has the cases of restic's own TestApplyPolicy
// (internal/data/snapshot_policy_test.go and its golden files, BSD-2-Clause,
// copyright (c) 2014, Alexander Neumann). It lies beside the checkout.
var resticFile = filepath.Join("..", "..", "shared", "data", "restic-retention-cases.json")

type resticCases struct {
	Sets map[string][]struct {
		ID   string
		Time time.Time
		Tags []string
	}
	Cases []resticCase
}

type resticCase struct {
	Name           string
	Set            string
	Policy         map[string]json.RawMessage
	Keep           []resticKeep
	Remove         []string
	OldestInWithin bool `json:"oldest_in_within"`
}

type resticKeep struct {
	ID      string
	Reasons []struct {
		Rule   string
		Oldest bool
	}
}

func TestAgreesWithRestic(t *testing.T) {
	data, err := os.ReadFile(resticFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the cases of restic's test are not beside this checkout; the golden cases cover the same rules")
	}
	require.NoError(t, err)
	var all resticCases
	require.NoError(t, json.Unmarshal(data, &all))
	require.Len(t, all.Cases, 40)
	for _, c := range all.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var points []retention.RecoveryPoint
			for _, p := range all.Sets[c.Set] {
				points = append(points, retention.RecoveryPoint{ID: p.ID, Time: p.Time, Tags: tagMap(p.Tags)})
			}
			require.NotEmpty(t, points)
			shuffle(points, uint64(len(c.Keep)))
			c.run(t, points)
		})
	}
}

// run compares what is kept and why. restic knows no minimum, so that what
// min-count alone keeps is not in its list. Its oldest rule applies to spans,
// ours does not. And an empty policy is an error here.
func (c resticCase) run(t *testing.T, points []retention.RecoveryPoint) {
	g := group{time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC), points, c.policy(t)}
	if len(c.Policy) == 0 {
		_, err := retention.Evaluate(g.now, g.points, g.policy)
		require.ErrorIs(t, err, retention.ErrEmptyPolicy)
		return
	}
	want, newest := map[string]string{}, ""
	for _, keep := range c.Keep {
		if reasons := keep.text(); reasons != "" {
			want[keep.ID] = reasons
		}
	}
	require.Equal(t, c.OldestInWithin, len(want) < len(c.Keep))
	got := map[string]string{}
	for id, v := range evaluate(t, g) {
		reasons := slices.DeleteFunc(strings.Split(v.reasons, ", "), func(r string) bool { return r == "min-count" || r == "" })
		if strings.Contains(v.reasons, "min-count") {
			require.Empty(t, newest)
			newest = id
		}
		if len(reasons) > 0 {
			require.Equal(t, retention.Retain, v.action)
			got[id] = strings.Join(reasons, ", ")
		}
	}
	require.NotEmpty(t, newest)
	require.Equal(t, want, got)
}

func tagMap(tags []string) map[string]string {
	m := make(map[string]string)
	for _, tag := range tags {
		m[tag] = ""
	}
	return m
}

// policy reads restic's policy: counts, spans and lists of tags.
func (c resticCase) policy(t *testing.T) retention.Policy {
	p := retention.Policy{KeepOldest: true}
	rules := map[string]*retention.Keep{
		"hourly": &p.Hourly, "daily": &p.Daily, "weekly": &p.Weekly, "monthly": &p.Monthly, "yearly": &p.Yearly,
	}
	for name, raw := range c.Policy {
		var to any
		switch {
		case name == "last":
			to = &p.Last
		case name == "within":
			to = &p.Within
		case name == "tags":
			var lists [][]string
			require.NoError(t, json.Unmarshal(raw, &lists))
			for _, list := range lists {
				p.Tags = append(p.Tags, tagMap(list))
			}
			continue
		case strings.HasPrefix(name, "within_"):
			to = &rules[strings.TrimPrefix(name, "within_")].Within
		default:
			to = &rules[name].Count
		}
		require.NoError(t, json.Unmarshal(raw, to), name)
	}
	return p
}

// text returns the reasons as ours, less the oldest rule within a span.
func (k resticKeep) text() string {
	order := []string{"last", "within", "hourly", "within_hourly", "daily", "within_daily", "weekly", "within_weekly", "monthly", "within_monthly", "yearly", "within_yearly", "tags"}
	var texts []string
	for _, rule := range order {
		for _, r := range k.Reasons {
			span, within := strings.CutPrefix(rule, "within_")
			switch {
			case r.Rule != rule || within && r.Oldest:
			case within:
				texts = append(texts, span+"-within")
			case rule == "tags": // a reason for each list that matches
				if !slices.Contains(texts, "tag") {
					texts = append(texts, "tag")
				}
			case r.Oldest:
				texts = append(texts, rule+" oldest")
			default:
				texts = append(texts, rule)
			}
		}
	}
	return strings.Join(texts, ", ")
}
