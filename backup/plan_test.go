package backup_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

func TestPlanSurvivesJSON(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	p.Copies[1].Every, p.Copies[1].DropOriginal = 3, true
	p.Copies[1].Retention = retention.Policy{Monthly: retention.Keep{Count: 12}}
	p.Sources[0].Select = backup.Selector{
		IDs: []string{"i-1"}, Tags: map[string]string{"backup": "yes", "team": ""},
		ExcludeIDs: []string{"vol-2"}, ExcludeTags: map[string]string{"scratch": ""},
	}
	p.Sources[0].Volumes.ExcludeRoot = true
	p.Sources[0].Quiesce = calm(true).Sources[0].Quiesce
	p.Sources[1].Quiesce = byVSS(true).Sources[0].Quiesce
	text, err := json.Marshal(p)
	require.NoError(t, err)
	back, err := backup.ParsePlan(text)
	require.NoError(t, err)
	require.Equal(t, p, back)
	require.NotContains(t, string(text), `"every":0`)
}

func TestLoadPlanRefuses(t *testing.T) {
	good, err := json.Marshal(nightly())
	require.NoError(t, err)
	for name, text := range map[string]string{
		"a field that is none":        strings.Replace(string(good), `"select"`, `"selekt"`, 1),
		"a field deep down":           strings.Replace(string(good), `"all":true`, `"all":true,"excludeIDS!":[]`, 1),
		"two plans":                   string(good) + string(good),
		"no JSON":                     "name: nightly",
		"nothing":                     "",
		"a plan that cannot be right": strings.Replace(string(good), `"nightly"`, `"night ly"`, 1),
		"a policy that is none":       strings.Replace(string(good), `last=7`, `last=x`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, string(good), text)
			_, err := backup.LoadPlan(strings.NewReader(text))
			require.Error(t, err)
		})
	}
}

func TestPlanSites(t *testing.T) {
	p := nightly(copyTo(home), copyTo(siteB), copyTo(second))
	require.Equal(t, []backup.Site{siteA, siteB, home, second}, p.Sites())
	f := p.Filter(vault)
	require.Equal(t, []backup.Site{siteA, siteB, home, second}, f.Sites)
	require.Equal(t, []backup.Site{siteB}, f.CopySites)
	require.Equal(t, "nightly", f.Plan)
}

func TestPlanValidate(t *testing.T) {
	valid := func() backup.Plan { return nightly(copyTo(home), copyTo(second)) }
	require.NoError(t, valid().Validate())
	for name, test := range map[string]struct {
		spoil func(*backup.Plan)
		want  map[string]string // field: part of the reason
	}{
		"no name":          {func(p *backup.Plan) { p.Name = "" }, map[string]string{"name": "1 to 64"}},
		"a long name":      {func(p *backup.Plan) { p.Name = strings.Repeat("n", 65) }, map[string]string{"name": "1 to 64"}},
		"a name with @":    {func(p *backup.Plan) { p.Name = "a@b" }, map[string]string{"name": "a@b"}},
		"no sources":       {func(p *backup.Plan) { p.Sources = nil }, map[string]string{"sources": "nothing would be protected"}},
		"a short account":  {func(p *backup.Plan) { p.Sources[1].Account = "1" }, map[string]string{"sources[1].account": "12 digits"}},
		"no Regions":       {func(p *backup.Plan) { p.Sources[1].Regions = nil }, map[string]string{"sources[1].regions": "is empty"}},
		"an unknown place": {func(p *backup.Plan) { p.Sources[1].Regions[0] = "Frankfurt" }, map[string]string{"sources[1].regions[0]": "not a Region"}},
		"a zone":           {func(p *backup.Plan) { p.Sources[1].Regions[0] = "eu-west-1a" }, map[string]string{"sources[1].regions[0]": "not a Region"}},
		"a site twice":     {func(p *backup.Plan) { p.Sources[1].Account = alpha }, map[string]string{"sources[1].regions[0]": "is sources[0].regions[0] already"}},
		"another partition": {
			func(p *backup.Plan) { p.Sources[1].Regions[0] = "cn-north-1" },
			map[string]string{"sources[1].regions[0]": "is in partition aws-cn"},
		},
		"nothing selected": {
			func(p *backup.Plan) { p.Sources[1].Select = backup.Selector{ExcludeIDs: []string{"i-1"}} },
			map[string]string{"sources[1].select": "chooses nothing"},
		},
		"an empty id": {func(p *backup.Plan) { p.Sources[1].Select.IDs = []string{""} }, map[string]string{"sources[1].select.ids[0]": "not an id"}},
		"an empty tag key": {
			func(p *backup.Plan) { p.Sources[1].Select.ExcludeTags = map[string]string{"": "x"} },
			map[string]string{"sources[1].select.excludeTags": "empty key"},
		},
		"a rekey key of elsewhere": {
			func(p *backup.Plan) { p.Sources[0].RekeyKeys[region] = keyAt(siteB) },
			map[string]string{"sources[0].rekeyKeys[eu-west-1]": "want one of 111111111111/eu-west-1"},
		},
		"a rekey key for nowhere": {
			func(p *backup.Plan) { p.Sources[0].RekeyKeys[other] = keyAt(siteA) },
			map[string]string{"sources[0].rekeyKeys[eu-central-1]": "has no Region"},
		},
		"no retention":  {func(p *backup.Plan) { p.Retention = retention.Policy{} }, map[string]string{"retention": "empty"}},
		"bad retention": {func(p *backup.Plan) { p.Copies[0].Retention = retention.Policy{Last: -3} }, map[string]string{"copies[0].retention": "-3"}},
		"no key":        {func(p *backup.Plan) { p.Copies[0].KMSKey = "" }, map[string]string{"copies[0].kmsKey": "is empty"}},
		"an alias": {
			func(p *backup.Plan) { p.Copies[0].KMSKey = "arn:aws:kms:eu-west-1:999999999999:alias/vault" },
			map[string]string{"copies[0].kmsKey": "alias will not do"},
		},
		"not an ARN":          {func(p *backup.Plan) { p.Copies[0].KMSKey = "1234" }, map[string]string{"copies[0].kmsKey": "not an ARN"}},
		"a key elsewhere":     {func(p *backup.Plan) { p.Copies[0].KMSKey = keyAt(second) }, map[string]string{"copies[0].kmsKey": "is a key of"}},
		"a partition's lie":   {func(p *backup.Plan) { p.Copies[0].KMSKey = strings.Replace(keyAt(home), "aws", "aws-cn", 1) }, map[string]string{"copies[0].kmsKey": "partition"}},
		"a destination twice": {func(p *backup.Plan) { p.Copies[1] = p.Copies[0] }, map[string]string{"copies[1]": "is copies[0] already"}},
		"a negative rhythm":   {func(p *backup.Plan) { p.Copies[0].Every = -1 }, map[string]string{"copies[0].every": "negative"}},
		"a rhythm that never comes": {
			func(p *backup.Plan) { p.Copies[0].Every = 30 },
			map[string]string{"copies[0].every": "29 originals follow the last one, and the retention keeps at most 8"},
		},
		"no volumes":            {func(p *backup.Plan) { p.Sources[0].Volumes = backup.Volumes{ExcludeRoot: true, ExcludeData: true} }, map[string]string{"sources[0].volumes": "nothing would be protected"}},
		"nothing that quiesces": {quiesced(func(q *backup.Quiesce) { q.Before, q.After = nil, nil }), map[string]string{"sources[0].quiesce": "neither"}},
		"both ways to quiesce":  {quiesced(func(q *backup.Quiesce) { q.VSS = &backup.VSS{} }), map[string]string{"sources[0].quiesce": "want one of them"}},
		"no script before":      {quiesced(func(q *backup.Quiesce) { q.Before = nil }), map[string]string{"sources[0].quiesce.before": "is empty"}},
		"no script after":       {quiesced(func(q *backup.Quiesce) { q.After = nil }), map[string]string{"sources[0].quiesce.after": "is empty"}},
		"a script of no name":   {quiesced(func(q *backup.Quiesce) { q.Before.Document = "rm -rf" }), map[string]string{"sources[0].quiesce.before.document": "not the name"}},
		"an empty parameter":    {quiesced(func(q *backup.Quiesce) { q.After.Parameters = map[string][]string{"": nil} }), map[string]string{"sources[0].quiesce.after.parameters": "empty name"}},
		"a hasty script":        {quiesced(func(q *backup.Quiesce) { q.After.TimeoutSeconds = 29 }), map[string]string{"sources[0].quiesce.after.timeoutSeconds": "30 to 3600"}},
		"a script that outlasts the rest": {
			quiesced(func(q *backup.Quiesce) { q.Before.TimeoutSeconds = 300 }),
			map[string]string{"sources[0].quiesce.before.timeoutSeconds": "longer than the rest of 4m0s"},
		},
		"too long a rest":   {quiesced(func(q *backup.Quiesce) { q.HoldSeconds = 3601 }), map[string]string{"sources[0].quiesce.holdSeconds": "30 to 3600"}},
		"too many attempts": {quiesced(func(q *backup.Quiesce) { q.Attempts = 5 }), map[string]string{"sources[0].quiesce.attempts": "1 to 4"}},
		"VSS by no document": {
			quiesced(func(q *backup.Quiesce) { *q = backup.Quiesce{VSS: &backup.VSS{Document: "?", TimeoutSeconds: 1}} }),
			map[string]string{"sources[0].quiesce.vss.document": "not the name", "sources[0].quiesce.vss.timeoutSeconds": "30 to 3600"},
		},
		"several at once": {
			func(p *backup.Plan) { p.Name, p.Sources, p.Copies[0].Every = "", nil, -1 },
			map[string]string{"name": "", "sources": "", "copies[0].every": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := valid()
			test.spoil(&p)
			err := p.Validate()
			require.Error(t, err)
			found := map[string]string{}
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				var wrong *backup.PlanError
				require.True(t, errors.As(e, &wrong), "%v", e)
				found[wrong.Field] += wrong.Reason
			}
			for field, reason := range test.want {
				require.Contains(t, found, field)
				require.Contains(t, found[field], reason)
			}
			if name != "a short account" && name != "an unknown place" && name != "a zone" {
				require.Len(t, found, len(test.want), "%v", err)
			}
		})
	}
}

// quiesced spoils a plan's way to bring instances to rest.
func quiesced(spoil func(*backup.Quiesce)) func(*backup.Plan) {
	return func(p *backup.Plan) {
		p.Sources[0].Quiesce = calm(false).Sources[0].Quiesce
		spoil(p.Sources[0].Quiesce)
	}
}

func TestPlanValidateKnowsAllPartitions(t *testing.T) {
	for _, r := range []string{
		"us-east-1", "ap-southeast-7", "mx-central-1", "cn-northwest-1", "us-gov-west-1", "us-iso-east-1",
		"us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1", "eu-west-12",
	} {
		p := nightly([]backup.Copy{}...)
		p.Sources = p.Sources[1:]
		p.Sources[0].Regions = []string{r}
		require.NoError(t, p.Validate(), r)
	}
	for _, r := range []string{"", "aws-global", "us-east", "us-east-0", "us-east-01", "us-east-123", "us--1", "u-east-1", "eusc-d-east-1", "US-EAST-1"} {
		p := nightly([]backup.Copy{}...)
		p.Sources = p.Sources[1:]
		p.Sources[0].Regions = []string{r}
		require.Error(t, p.Validate(), r)
	}
}
