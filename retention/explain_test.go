package retention_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/retention"
)

// Explain has a sentence for every point, which names what decided.
func TestExplainNamesEveryReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		for _, d := range result.Decisions {
			sentence := result.Explain(d.Index)
			require.True(t, strings.HasPrefix(sentence, g.points[d.Index].ID+" "), sentence)
			if d.Action == retention.Retain || d.Action == retention.Defer {
				for reason := range d.Reasons.All() {
					require.Contains(t, sentence, strings.TrimSuffix(reason, " oldest")+": ", "%s", g)
				}
				continue
			}
			if g.points[d.Index].State == retention.Complete {
				for term := range strings.FieldsSeq(g.policy.String()) {
					key, _, _ := strings.Cut(term, "=")
					if !slices.Contains([]string{"oldest", "tz", "max-skew"}, key) {
						require.Contains(t, sentence, key+": ", "%s", g)
					}
				}
			}
		}
	})
}

// The point that Explain names as a period's is the one that the rule keeps.
func TestExplainNamesTheRepresentative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		reasons := map[string][]string{}
		for _, d := range result.Decisions {
			reasons[g.points[d.Index].ID] = slices.Collect(d.Reasons.All())
		}
		for i := range g.points {
			for clause := range strings.SplitSeq(result.Explain(i), "; ") {
				rule, id, found := strings.Cut(clause, ": newer point ")
				if found {
					rule = rule[strings.LastIndex(rule, " ")+1:]
					id, _, _ = strings.Cut(id, " ")
					require.Contains(t, reasons[id], rule, "%s: %s in\n%s", g.points[i].ID, clause, g)
				}
			}
		}
	})
}
