package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/backup"
)

type tags = map[string]string

// onTags makes a Match of tags, "k=v|v,k=v".
func onTags(text string) backup.Match {
	m := backup.Match{Tags: map[string][]string{}}
	for pair := range strings.SplitSeq(text, ",") {
		k, v, _ := strings.Cut(pair, "=")
		m.Tags[k] = strings.Split(v, "|")
	}
	return m
}

func TestSelectorJudgesOneByOne(t *testing.T) {
	not := func(list ...backup.Match) backup.Match { return backup.Match{Not: list} }
	web := backup.Subject{ID: "i-web", VPC: "vpc-a", Tags: tags{"Name": "web-1", "stage": "prod", "empty": ""}}
	db := backup.Subject{ID: "i-db", VPC: "vpc-b", Tags: tags{"Name": "db", "stage": "dev"}}
	disk := backup.Subject{ID: "vol-1", Volume: true, VolumeType: "gp3", SizeGiB: 100, Tags: tags{"Name": "data"}, On: []backup.Subject{web}}
	shared := backup.Subject{ID: "vol-2", Volume: true, VolumeType: "io2", SizeGiB: 10, On: []backup.Subject{web, db}}
	loose := backup.Subject{ID: "vol-3", Volume: true, VolumeType: "st1", SizeGiB: 500}
	all := []backup.Subject{web, db, disk, shared, loose}
	for name, test := range map[string]struct {
		m    backup.Match
		want string
	}{
		"ids":                        {backup.Match{IDs: []string{"i-db", "vol-3"}}, "i-db vol-3"},
		"names":                      {backup.Match{Names: []string{"web-?", "d*a"}}, "i-web vol-1"},
		"one of two values":          {onTags("stage=prod|dev"), "i-web i-db"},
		"two tags":                   {onTags("stage=prod,Name=*"), "i-web"},
		"a key of whatever value":    {onTags("empty=*"), "i-web"},
		"case matters":               {onTags("stage=Prod"), ""},
		"a key that is absent":       {not(onTags("stage=*")), "vol-3"},
		"not in production":          {not(onTags("stage=prod")), "i-db vol-2 vol-3"},
		"neither":                    {not(onTags("stage=prod"), onTags("stage=dev")), "vol-3"},
		"not not":                    {not(not(onTags("stage=prod"))), "i-web vol-1"},
		"a VPC":                      {backup.Match{VPCs: []string{"vpc-a"}}, "i-web vol-1 vol-2"},
		"outside a VPC":              {not(backup.Match{VPCs: []string{"vpc-a"}}), "i-db vol-3"},
		"a type fits no instance":    {backup.Match{VolumeTypes: []string{"gp3", "st1"}}, "vol-1 vol-3"},
		"other types":                {not(backup.Match{VolumeTypes: []string{"gp3", "st1"}}), "vol-2"},
		"at least":                   {backup.Match{MinGiB: 100}, "vol-1 vol-3"},
		"at most":                    {backup.Match{MaxGiB: 100}, "vol-1 vol-2"},
		"between":                    {backup.Match{MinGiB: 11, MaxGiB: 499}, "vol-1"},
		"volumes of a VPC by size":   {backup.Match{VPCs: []string{"vpc-a"}, MaxGiB: 50}, "vol-2"},
		"tags are not passed on":     {backup.Match{Tags: map[string][]string{"stage": {"prod"}}, MinGiB: 1}, ""},
		"volumes not in production":  {backup.Match{MinGiB: 1, Not: []backup.Match{onTags("stage=prod")}}, "vol-2 vol-3"},
		"an id that is not one type": {backup.Match{IDs: []string{"vol-1", "i-web"}, Not: []backup.Match{{VolumeTypes: []string{"st1"}}}}, "vol-1"},
	} {
		t.Run(name, func(t *testing.T) {
			var chosen, excluded []string
			for _, x := range all {
				if (backup.Selector{Any: []backup.Match{test.m}}).Chooses(x) {
					chosen = append(chosen, x.ID)
				}
				sel := backup.Selector{All: true, Except: []backup.Match{test.m}}
				require.Equal(t, sel.Excludes(x), !sel.Chooses(x))
				if sel.Excludes(x) {
					excluded = append(excluded, x.ID)
				}
			}
			require.Equal(t, test.want, strings.Join(chosen, " "))
			require.Equal(t, chosen, excluded)
		})
	}
}

// TestSelectorIsAsTheNaiveOneSays compares it with an evaluator that is written
// down word by word after the documentation, by other means.
func TestSelectorIsAsTheNaiveOneSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sel := backup.Selector{
			All:         rapid.Bool().Draw(rt, "all"),
			IDs:         rapid.SliceOfN(drawnIDs, 0, 1).Draw(rt, "ids"),
			Tags:        drawnTags.Draw(rt, "tags"),
			Any:         rapid.SliceOfN(drawnMatch(3), 0, 3).Draw(rt, "any"),
			ExcludeIDs:  rapid.SliceOfN(drawnIDs, 0, 1).Draw(rt, "excluded ids"),
			ExcludeTags: drawnTags.Draw(rt, "excluded tags"),
			Except:      rapid.SliceOfN(drawnMatch(3), 0, 2).Draw(rt, "except"),
		}
		x := drawnSubject.Draw(rt, "subject")
		if want := naive(sel, x); sel.Chooses(x) != want {
			rt.Fatalf("%+v of %+v: want %v", sel, x, want)
		}
	})
}

var (
	drawnIDs    = rapid.SampledFrom([]string{"i-1", "i-2", "vol-1", "vol-2"})
	drawnValues = rapid.SampledFrom([]string{"*", "?", "a", "ab", "a?", "*b", `\*`, `a\?`, "**", ""})
	drawnTags   = rapid.MapOfN(rapid.SampledFrom([]string{"k", "Name"}), drawnValues, 0, 2)
	drawnFacts  = rapid.MapOfN(rapid.SampledFrom([]string{"k", "l", "Name"}), rapid.SampledFrom([]string{"", "a", "ab", "b", "*", "a?", "é"}), 0, 3)
	drawnVPC    = rapid.SampledFrom([]string{"vpc-1", "vpc-2"})

	drawnInstance = rapid.Custom(func(rt *rapid.T) backup.Subject {
		return backup.Subject{ID: rapid.SampledFrom([]string{"i-1", "i-2"}).Draw(rt, "id"), VPC: drawnVPC.Draw(rt, "vpc"), Tags: drawnFacts.Draw(rt, "tags")}
	})
	drawnSubject = rapid.Custom(func(rt *rapid.T) backup.Subject {
		if rapid.Bool().Draw(rt, "instance") {
			return drawnInstance.Draw(rt, "instance")
		}
		return backup.Subject{
			ID: rapid.SampledFrom([]string{"vol-1", "vol-2"}).Draw(rt, "id"), Tags: drawnFacts.Draw(rt, "tags"), Volume: true,
			VolumeType: rapid.SampledFrom([]string{"gp3", "io2"}).Draw(rt, "type"), SizeGiB: rapid.Int32Range(1, 4).Draw(rt, "size"),
			On: rapid.SliceOfN(drawnInstance, 0, 2).Draw(rt, "on"),
		}
	})
)

func drawnMatch(depth int) *rapid.Generator[backup.Match] {
	return rapid.Custom(func(rt *rapid.T) backup.Match {
		one := func(name string) bool { return rapid.IntRange(0, 3).Draw(rt, name) == 0 }
		var m backup.Match
		if one("ids") {
			m.IDs = rapid.SliceOfN(drawnIDs, 1, 2).Draw(rt, "ids")
		}
		if one("names") {
			m.Names = rapid.SliceOfN(drawnValues, 1, 2).Draw(rt, "names")
		}
		if one("tags") {
			m.Tags = rapid.MapOfN(rapid.SampledFrom([]string{"k", "l"}), rapid.SliceOfN(drawnValues, 1, 2), 1, 2).Draw(rt, "tags")
		}
		if one("vpcs") {
			m.VPCs = rapid.SliceOfN(drawnVPC, 1, 1).Draw(rt, "vpcs")
		}
		if one("types") {
			m.VolumeTypes = []string{"gp3"}
		}
		if one("min") {
			m.MinGiB = rapid.Int32Range(1, 4).Draw(rt, "min")
		}
		if one("max") {
			m.MaxGiB = rapid.Int32Range(1, 4).Draw(rt, "max")
		}
		if depth > 0 && one("not") {
			m.Not = rapid.SliceOfN(drawnMatch(depth-1), 1, 2).Draw(rt, "not")
		}
		return m
	})
}

func naive(sel backup.Selector, x backup.Subject) bool {
	brief := func(want tags) (all, any bool) {
		hits := 0
		for k, v := range want {
			if v == "" {
				v = "*"
			}
			if got, there := x.Tags[k]; there && naivePattern(v).MatchString(got) {
				hits++
			}
		}
		return len(want) > 0 && hits == len(want), hits > 0
	}
	chosen, _ := brief(sel.Tags)
	_, out := brief(sel.ExcludeTags)
	chosen = chosen || sel.All || slices.Contains(sel.IDs, x.ID)
	out = out || slices.Contains(sel.ExcludeIDs, x.ID)
	for _, m := range sel.Any {
		chosen = chosen || naiveMatch(m, x)
	}
	for _, m := range sel.Except {
		out = out || naiveMatch(m, x)
	}
	return chosen && !out
}

func naiveMatch(m backup.Match, x backup.Subject) bool {
	if !x.Volume && naiveOfVolumes(m) {
		return false
	}
	want := map[string][]string{}
	for k, v := range m.Tags {
		want[k] = v
	}
	if m.Names != nil {
		want["Name"] = m.Names
	}
	for k, patterns := range want {
		fits := 0
		for _, p := range patterns {
			if got, there := x.Tags[k]; there && (p == "" || naivePattern(p).MatchString(got)) {
				fits++
			}
		}
		if fits == 0 {
			return false
		}
	}
	if m.IDs != nil && !slices.Contains(m.IDs, x.ID) {
		return false
	}
	in := map[string]bool{x.VPC: true}
	for _, i := range x.On {
		in[i.VPC] = true
	}
	if m.VPCs != nil && !in[m.VPCs[0]] {
		return false
	}
	if m.VolumeTypes != nil && !slices.Contains(m.VolumeTypes, x.VolumeType) || x.SizeGiB < m.MinGiB || m.MaxGiB != 0 && x.SizeGiB > m.MaxGiB {
		return false
	}
	out := map[string]int{} // how many of what it is, and is attached to
	for n, y := range append([]backup.Subject{x}, x.On...) {
		for _, not := range m.Not {
			if naiveMatch(not, y) {
				out[fmt.Sprint(n > 0)]++
				break
			}
		}
	}
	return out["false"] == 0 && (out["true"] == 0 || out["true"] < len(x.On))
}

func naiveOfVolumes(m backup.Match) bool {
	text, err := json.Marshal(m)
	return err != nil || regexp.MustCompile(`"(volumeTypes|minGiB|maxGiB)":`).Match(text)
}

func naivePattern(p string) *regexp.Regexp {
	var b strings.Builder
	for runes := []rune(p); len(runes) > 0; runes = runes[1:] {
		switch {
		case runes[0] == '\\' && len(runes) > 1:
			runes = runes[1:]
			b.WriteString(regexp.QuoteMeta(string(runes[0])))
		case runes[0] == '*':
			b.WriteString("(?s:.*)")
		case runes[0] == '?':
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(runes[0])))
		}
	}
	return regexp.MustCompile("^(?:" + b.String() + ")$")
}

// FuzzPattern compares patterns with regular expressions.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{{"*", ""}, {"?", "é"}, {"a*b*c", "abcbc"}, {`\*`, "*"}, {`\`, `\`}, {"**?", "x"}, {"a", "a\nb"}, {"*a", "aaab"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if pattern == "" || len(pattern) > 100 || strings.ToValidUTF8(pattern, "") != pattern || strings.ToValidUTF8(value, "") != value {
			t.Skip()
		}
		sel := backup.Selector{Tags: tags{"k": pattern}}
		require.Equal(t, naivePattern(pattern).MatchString(value), sel.Chooses(backup.Subject{Tags: tags{"k": value}}), "%q of %q", pattern, value)
	})
}

// FuzzSelector reads plans from whatever text: what passes Validate survives
// JSON, and judges without trouble.
func FuzzSelector(f *testing.F) {
	for _, seed := range []string{
		`{"all":true,"except":[{"names":["tmp-*"]}]}`,
		`{"any":[{"tags":{"stage":["prod","test"]},"not":[{"vpcs":["vpc-1"]}]},{"volumeTypes":["gp3"],"minGiB":10,"maxGiB":20}]}`,
		`{"ids":["i-1"],"tags":{"a":"b"},"excludeIds":["vol-1"],"excludeTags":{"c":""}}`,
		`{"any":[{"not":[{"not":[{"not":[{"not":[{"not":[{"not":[{"not":[{"not":[{"ids":["i-1"]}]}]}]}]}]}]}]}]}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := nightly()
		var sel backup.Selector
		if json.Unmarshal([]byte(text), &sel) != nil {
			t.Skip()
		}
		p.Sources[0].Select = sel
		if p.Validate() != nil {
			t.Skip()
		}
		out, err := json.Marshal(p)
		require.NoError(t, err)
		back, err := backup.ParsePlan(out)
		require.NoError(t, err)
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(out), string(again))
		x := backup.Subject{ID: "vol-1", Volume: true, On: []backup.Subject{{ID: "i-1", VPC: "vpc-1", Tags: tags{"a": "b"}}}}
		require.Equal(t, sel.Chooses(x), back.Sources[0].Select.Chooses(x))
	})
}

func TestSelectorValidate(t *testing.T) {
	deep := backup.Match{IDs: []string{"i-1"}}
	for range 8 {
		deep = backup.Match{Not: []backup.Match{deep}}
	}
	for name, test := range map[string]struct {
		sel           backup.Selector
		field, reason string // below sources[0].select
	}{
		"only exclusions":       {backup.Selector{Except: []backup.Match{{IDs: []string{"i-1"}}}}, "", "chooses nothing"},
		"no criterion":          {backup.Selector{Any: []backup.Match{{IDs: []string{"i-1"}}, {}}}, ".any[1]", "would match everything"},
		"no criterion excluded": {backup.Selector{All: true, Except: []backup.Match{{}}}, ".except[0]", "would match everything"},
		"no criterion in not":   {backup.Selector{Any: []backup.Match{{Not: []backup.Match{{}}}}}, ".any[0].not[0]", "would match everything"},
		"no id":                 {backup.Selector{Any: []backup.Match{{IDs: []string{"i 1"}}}}, ".any[0].ids[0]", "not an id"},
		"an empty name":         {backup.Selector{Any: []backup.Match{{Names: []string{"a", ""}}}}, ".any[0].names[1]", `want "*"`},
		"an empty key":          {backup.Selector{Any: []backup.Match{onTags("=a")}}, ".any[0].tags", "empty key"},
		"an empty value":        {backup.Selector{Any: []backup.Match{onTags("k=a|")}}, ".any[0].tags[k][1]", `want "*"`},
		"no value":              {backup.Selector{Any: []backup.Match{{Tags: map[string][]string{"k": nil}}}}, ".any[0].tags[k]", "has no value"},
		"a backslash too many":  {backup.Selector{All: true, Except: []backup.Match{{Names: []string{`a\\\`}}}}, ".except[0].names[0]", "escapes nothing"},
		"... in the brief form": {backup.Selector{Tags: tags{"k": `\`}}, ".tags[k]", "escapes nothing"},
		"a pattern too long":    {backup.Selector{Tags: tags{"k": strings.Repeat("a", 513)}}, ".tags[k]", "more than 512"},
		"no UTF-8":              {backup.Selector{Tags: tags{"k": "\xff"}}, ".tags[k]", "not UTF-8"},
		"no VPC":                {backup.Selector{Any: []backup.Match{{VPCs: []string{"subnet-1"}}}}, ".any[0].vpcs[0]", "want vpc-"},
		"no type":               {backup.Selector{Any: []backup.Match{{VolumeTypes: []string{"gp3", "GP3"}}}}, ".any[0].volumeTypes[1]", "is not one of standard, gp2"},
		"a negative minimum":    {backup.Selector{Any: []backup.Match{{MinGiB: -1}}}, ".any[0].minGiB", "negative"},
		"a negative maximum":    {backup.Selector{Any: []backup.Match{{MaxGiB: -1}}}, ".any[0].maxGiB", "negative"},
		"no size between":       {backup.Selector{Any: []backup.Match{{IDs: []string{"vol-1"}}, {MinGiB: 9, MaxGiB: 8}}}, ".any[1].maxGiB", "less than minGiB, 9"},
		"too deep":              {backup.Selector{Any: []backup.Match{deep}}, ".any[0]" + strings.Repeat(".not[0]", 7) + ".not", "deeper than 7"},
		"too many":              {backup.Selector{Any: slices.Repeat([]backup.Match{{IDs: []string{"i-1"}}}, 1001)}, "", "more than 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			p := nightly()
			p.Sources[0].Select = test.sel
			err := p.Validate()
			var wrong *backup.PlanError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, "sources[0].select"+test.field, wrong.Field)
			require.Contains(t, wrong.Reason, test.reason)
			require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 1, "%v", err)
		})
	}
	p := nightly()
	p.Sources[0].Select = backup.Selector{Any: []backup.Match{deep.Not[0]}}
	require.NoError(t, p.Validate())
}

// TestAMissingIdIsToldWhereverItIsNamed: an id that nothing else narrows must
// exist, be it in IDs or in Any; one that other criteria narrow may be elsewhere.
func TestAMissingIdIsToldWhereverItIsNamed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		p := nightly()
		p.Sources[0].Regions = []string{region, other}
		p.Sources[0].Select = backup.Selector{
			IDs: []string{"i-a1", "i-lost"},
			Any: []backup.Match{
				{IDs: []string{"i-lost", "vol-lost", "vol-left"}}, {IDs: []string{"vol-a9", "vol-narrow"}, MinGiB: 5},
			},
			Except: []backup.Match{{IDs: []string{"vol-left"}}},
		}
		var told []string
		for _, err := range engine(t, story(t), backup.Options{}).Jobs(t.Context(), p, time.Now()) {
			if err != nil {
				require.ErrorIs(t, err, backup.ErrNotFound)
				told = append(told, err.Error())
			}
		}
		require.Len(t, told, 2)
		require.Contains(t, told[0], "i-lost")
		require.Contains(t, told[0], "in any of [eu-west-1 eu-central-1]")
		require.Contains(t, told[1], "vol-lost")
	})
}

// TestWhatIsGoneIsTakenBackIfItMayHaveBeenChosen: of a resource that is no more
// only the id is known. What a run that was cut off left shared is taken back,
// unless the selector cannot have chosen that id.
func TestWhatIsGoneIsTakenBackIfItMayHaveBeenChosen(t *testing.T) {
	tagged, id := onTags("stage=prod"), []string{"i-b1"}
	for name, test := range map[string]struct {
		sel   backup.Selector
		taken bool
	}{
		"tags":                   {backup.Selector{Any: []backup.Match{tagged}}, true},
		"the id, narrowed":       {backup.Selector{Any: []backup.Match{{IDs: id, MinGiB: 1}}}, true},
		"other ids":              {backup.Selector{IDs: []string{"i-x"}, Any: []backup.Match{{IDs: []string{"i-y"}}}}, false},
		"excluded by id":         {backup.Selector{All: true, Except: []backup.Match{{IDs: id}}}, false},
		"excluded if it is more": {backup.Selector{All: true, Except: []backup.Match{{IDs: id, Names: []string{"x"}}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				p.Sources = p.Sources[1:]
				ctx, crash := context.WithCancel(t.Context())
				c.after = func(k call) error {
					if k.op == string(backup.StepShare) {
						crash()
					}
					return ctx.Err()
				}
				_, err := engine(t, c, backup.Options{}).Run(ctx, p, time.Now())
				require.Error(t, err)
				c.after, c.resources[siteB] = nil, nil
				time.Sleep(24 * time.Hour)
				p.Sources[0].Select = test.sel
				_, _ = engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				shared := 0
				for _, s := range c.snaps {
					shared += len(s.shared)
				}
				require.Equal(t, test.taken, shared == 0)
			})
		})
	}
}

// A plan in JSON that protects production but for scratch volumes and what is
// in one VPC, and large volumes wherever they are.
func ExampleMatch() {
	var sel backup.Selector
	if err := json.Unmarshal([]byte(`{
		"any": [
			{"tags": {"stage": ["prod", "prod-*"]}, "not": [{"vpcs": ["vpc-sandbox"]}]},
			{"volumeTypes": ["gp3", "io2"], "minGiB": 1000}
		],
		"except": [{"tags": {"scratch": ["*"]}}, {"names": ["tmp-*"]}]
	}`), &sel); err != nil {
		fmt.Println(err)
		return
	}
	web := backup.Subject{ID: "i-1", VPC: "vpc-main", Tags: map[string]string{"stage": "prod-eu"}}
	toy := backup.Subject{ID: "i-2", VPC: "vpc-sandbox", Tags: map[string]string{"stage": "prod"}}
	for _, x := range []backup.Subject{
		web, toy,
		{ID: "vol-1", Volume: true, VolumeType: "gp3", SizeGiB: 2000, On: []backup.Subject{toy}},
		{ID: "vol-2", Volume: true, VolumeType: "gp3", SizeGiB: 2000, Tags: map[string]string{"scratch": ""}, On: []backup.Subject{web}},
	} {
		fmt.Println(x.ID, "chosen:", sel.Chooses(x), "excluded:", sel.Excludes(x))
	}
	// Output:
	// i-1 chosen: true excluded: false
	// i-2 chosen: false excluded: false
	// vol-1 chosen: true excluded: false
	// vol-2 chosen: false excluded: true
}
