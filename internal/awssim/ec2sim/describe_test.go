package ec2sim_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func TestSnapshotFilters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		plain, sealed := w.volume(at, ""), w.volume(at, key)
		one := w.snapshot(plain, "plan", "daily", "Name", "web*1")
		time.Sleep(24 * time.Hour)
		two := w.snapshot(sealed, "plan", "Weekly")
		copied := w.copy(one, at, key, "plan", "daily")
		w.settled(copied)
		time.Sleep(time.Minute)
		last, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &plain.ID, Description: aws.String("the last")})
		require.NoError(t, err)
		ids := map[string]string{one.ID: "one", two.ID: "two", copied.ID: "copy", *last.SnapshotId: "last"}
		day := w.find(one).Start.UTC().Format("2006-01-02")
		for _, tt := range []struct {
			filters []types.Filter
			want    string
		}{
			{nil, "one two copy last"},
			{[]types.Filter{filter("tag:plan", "daily")}, "one copy"},
			{[]types.Filter{filter("tag:plan", "DAILY")}, ""},
			{[]types.Filter{filter("tag:Plan", "daily")}, ""},
			{[]types.Filter{filter("tag:plan", "daily", "Weekly")}, "one two copy"},
			{[]types.Filter{filter("tag:plan", "*")}, "one two copy"},
			{[]types.Filter{filter("tag:plan", "?eekly")}, "two"},
			{[]types.Filter{filter("tag:Name", `web\*1`)}, "one"},
			{[]types.Filter{filter("tag:Name", `web\*2`)}, ""},
			{[]types.Filter{filter("tag-key", "plan")}, "one two copy"},
			{[]types.Filter{filter("tag-key", "N*")}, "one"},
			{[]types.Filter{filter("tag:plan", "daily"), filter("encrypted", "true")}, "copy"},
			{[]types.Filter{filter("encrypted", "false")}, "one last"},
			{[]types.Filter{filter("status", "completed")}, "one two copy"},
			{[]types.Filter{filter("status", "pending", "error")}, "last"},
			{[]types.Filter{filter("progress", "100%")}, "one two copy"},
			{[]types.Filter{filter("volume-id", plain.ID)}, "one last"},
			{[]types.Filter{filter("volume-id", "vol-ffffffff")}, "copy"},
			{[]types.Filter{filter("volume-size", "4")}, "one two copy last"},
			{[]types.Filter{filter("volume-size", "5")}, ""},
			{[]types.Filter{filter("start-time", day+"T*")}, "one"},
			{[]types.Filter{filter("description", "the last")}, "last"},
			{[]types.Filter{filter("description", "[Copied snap-*")}, "copy"},
			{[]types.Filter{filter("description", "")}, "one two"},
			{[]types.Filter{filter("snapshot-id", one.ID, two.ID)}, "one two"},
			{[]types.Filter{filter("owner-id", target)}, "one two copy last"},
			{[]types.Filter{filter("owner-id", vault)}, ""},
			{[]types.Filter{filter("owner-alias", "amazon")}, ""},
			{[]types.Filter{filter("storage-tier", "standard")}, "one two copy last"},
			{[]types.Filter{filter("storage-tier", "archive")}, ""},
			{[]types.Filter{filter("transfer-type", "standard")}, "copy"},
		} {
			var got []string
			for _, id := range w.listed(at, ec2.DescribeSnapshotsInput{Filters: tt.filters}) {
				got = append(got, ids[id])
			}
			name := "no filter"
			if len(tt.filters) > 0 {
				name = fmt.Sprint(*tt.filters[0].Name, tt.filters[0].Values)
			}
			require.Equal(t, tt.want, strings.Join(got, " "), name)
		}
	})
}

func TestDescribeSnapshotsRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, ""))
		type in = ec2.DescribeSnapshotsInput
		many := make([]types.Filter, 51)
		for i := range many {
			many[i] = filter("status", "completed")
		}
		for _, tt := range []struct {
			name string
			in   in
			want string
		}{
			{"unknown filter", in{Filters: []types.Filter{filter("colour", "red")}}, "InvalidParameterValue"},
			{"filter without values", in{Filters: []types.Filter{filter("status")}}, "InvalidParameterValue"},
			{"51 filters", in{Filters: many}, "FilterLimitExceeded"},
			{"201 values", in{Filters: []types.Filter{filter("status", make([]string, 201)...)}}, "FilterLimitExceeded"},
			{"200 values", in{Filters: []types.Filter{filter("status", make([]string, 200)...)}}, ""},
			{"malformed id", in{SnapshotIds: []string{"snap-zzz"}}, "InvalidSnapshotID.Malformed"},
			{"unknown id", in{SnapshotIds: []string{sn.ID, "snap-0123456789abcdef0"}}, "InvalidSnapshot.NotFound"},
			{"pages of 4", in{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
			{"pages of 5", in{MaxResults: aws.Int32(5)}, ""},
			{"pages of 5000", in{MaxResults: aws.Int32(5000)}, ""},
			{"ids in pages", in{MaxResults: aws.Int32(5), SnapshotIds: []string{sn.ID}}, "InvalidParameterCombination"},
			{"a token of nobody", in{MaxResults: aws.Int32(5), NextToken: aws.String("garbage")}, "InvalidParameterValue"},
			{"dry run", in{DryRun: aws.Bool(true)}, "DryRunOperation"},
		} {
			_, err := w.admin(at).DescribeSnapshots(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
		_, err := w.as(at, "nobody").DescribeSnapshots(t.Context(), &in{})
		require.Equal(t, "UnauthorizedOperation", code(t, err))
	})
}

// manySnapshots makes n snapshots, every fifth tagged.
func (w *world) manySnapshots(at ec2sim.Site, n int) {
	w.t.Helper()
	w.EC2().SetLimits(ec2sim.Limits{PendingPerVolume: -1, Spacing: -1, PendingPerSite: -1})
	c := w.admin(at)
	w.EC2().SetDurations(ec2sim.Durations{Volume: -1})
	vol, err := c.CreateVolume(w.t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(at.Region + "a"), Size: aws.Int32(4)})
	require.NoError(w.t, err)
	for i := range n {
		in := &ec2.CreateSnapshotInput{VolumeId: vol.VolumeId}
		if i%5 == 0 {
			in.TagSpecifications = tagged("snapshot", "fifth", "yes")
		}
		_, err := c.CreateSnapshot(w.t.Context(), in)
		require.NoError(w.t, err)
	}
}

func pages(ctx context.Context, t testing.TB, c *ec2.Client, in *ec2.DescribeSnapshotsInput) (sizes []int, ids []string) {
	t.Helper()
	for p := ec2.NewDescribeSnapshotsPaginator(c, in); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		require.NoError(t, err)
		sizes = append(sizes, len(out.Snapshots))
		for _, sn := range out.Snapshots {
			ids = append(ids, *sn.SnapshotId)
		}
	}
	return sizes, ids
}

func TestPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.manySnapshots(at, 23)
		c := w.admin(at)
		all := w.listed(at, ec2.DescribeSnapshotsInput{})
		require.Len(t, all, 23, "without a size all come at once")
		fifth := w.listed(at, ec2.DescribeSnapshotsInput{Filters: []types.Filter{filter("tag:fifth", "yes")}})
		require.Len(t, fifth, 5)

		for _, in := range []ec2.DescribeSnapshotsInput{{}, {OwnerIds: []string{"self"}}, {RestorableByUserIds: []string{"self"}}} {
			in.MaxResults = aws.Int32(10)
			sizes, ids := pages(t.Context(), t, c, &in)
			require.Equal(t, []int{10, 10, 3}, sizes)
			require.Equal(t, all, ids)
		}
		in := &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5), Filters: []types.Filter{filter("tag:fifth", "yes")}}
		_, ids := pages(t.Context(), t, c, in)
		require.Equal(t, fifth, ids)

		// A page may be short or empty and not be the last.
		w.EC2().SetLimits(ec2sim.Limits{ScannedPerPage: 3})
		sizes, ids := pages(t.Context(), t, c, in)
		require.Equal(t, fifth, ids)
		require.Contains(t, sizes, 0)
	})
}

func TestTokensContinueOneQuestion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.manySnapshots(at, 12)
		first, err := w.admin(at).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)})
		require.NoError(t, err)
		token := first.NextToken
		ask := func(at ec2sim.Site, in ec2.DescribeSnapshotsInput) string {
			in.NextToken = token
			_, err := w.admin(at).DescribeSnapshots(t.Context(), &in)
			return code(t, err)
		}
		five := aws.Int32(5)
		require.Empty(t, ask(at, ec2.DescribeSnapshotsInput{MaxResults: five}))
		require.Empty(t, ask(at, ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(7)}), "pages may change their size")
		require.Equal(t, "InvalidParameterValue", ask(at, ec2.DescribeSnapshotsInput{MaxResults: five, OwnerIds: []string{"self"}}))
		require.Equal(t, "InvalidParameterValue", ask(at, ec2.DescribeSnapshotsInput{MaxResults: five, Filters: []types.Filter{filter("status", "error")}}))
		require.Equal(t, "InvalidParameterValue", ask(site(second, ireland), ec2.DescribeSnapshotsInput{MaxResults: five}))
		require.Equal(t, "InvalidParameterValue", ask(site(target, oregon), ec2.DescribeSnapshotsInput{MaxResults: five}))
	})
}

// What is deleted between pages does not make others be left out or come twice.
func TestPagesWhileSnapshotsComeAndGo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.manySnapshots(at, 30)
		time.Sleep(time.Hour)
		c := w.admin(at)
		all := w.listed(at, ec2.DescribeSnapshotsInput{})
		seen := map[string]int{}
		in := &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(6)}
		for p, page := ec2.NewDescribeSnapshotsPaginator(c, in), 0; p.HasMorePages(); page++ {
			out, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, sn := range out.Snapshots {
				seen[*sn.SnapshotId]++
			}
			// The last of this page goes: the token's own place.
			_, err = c.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: out.Snapshots[len(out.Snapshots)-1].SnapshotId})
			require.NoError(t, err)
		}
		for _, id := range all {
			require.Equal(t, 1, seen[id], id)
		}
	})
}

func TestWildcard(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"**", "", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "acb", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"?", "ü", true},
		{"*a*b*c*", "xxaxxbxxcxx", true},
		{"*a*b*c*", "xxaxxcxxbxx", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`\?`, "?", true},
		{`\?`, "a", false},
		{`\\`, `\`, true},
		{`a\`, `a\`, true},
		{"*", "*", true},
		{"ABC", "abc", false},
	} {
		require.Equal(t, tt.want, ec2sim.Wildcard(tt.pattern, tt.text), "%q on %q", tt.pattern, tt.text)
	}
}

// FuzzWildcard compares with the regular expression that a pattern stands for.
func FuzzWildcard(f *testing.F) {
	for _, seed := range [][2]string{{"*", "a"}, {"a?c*", "abcdef"}, {`\**`, "*x"}, {`a\`, `a\`}, {"**a**b", "aab"}, {"?*?", "ab"}, {"\xd6", "�"}, {"", ""}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, s := []rune(pattern), string([]rune(text)) // valid UTF-8
		var re strings.Builder
		re.WriteString(`(?s)\A`)
		for i := 0; i < len(p); i++ {
			switch {
			case p[i] == '\\' && i+1 < len(p):
				i++
				re.WriteString(regexp.QuoteMeta(string(p[i])))
			case p[i] == '*':
				re.WriteString(".*")
			case p[i] == '?':
				re.WriteString(".")
			default:
				re.WriteString(regexp.QuoteMeta(string(p[i])))
			}
		}
		re.WriteString(`\z`)
		want := regexp.MustCompile(re.String()).MatchString(s)
		if got := ec2sim.Wildcard(string(p), s); got != want {
			t.Fatalf("%q on %q: %t, not %t", pattern, s, got, want)
		}
	})
}

func TestRegionsAndZones(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.admin(site(target, ireland))
		r, err := c.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{Filters: []types.Filter{filter("region-name", "eu-*")}})
		require.NoError(t, err)
		var names []string
		for _, region := range r.Regions {
			names = append(names, *region.RegionName)
		}
		require.Contains(t, names, ireland)
		require.NotContains(t, names, oregon)
		require.True(t, slices.IsSorted(names))
		_, err = c.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{RegionNames: []string{"mars-north-1"}})
		require.Equal(t, "InvalidParameterValue", code(t, err))

		z, err := c.DescribeAvailabilityZones(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, z.AvailabilityZones, 3)
		require.Equal(t, "eu-west-1a", *z.AvailabilityZones[0].ZoneName)
		require.Equal(t, "euw1-az1", *z.AvailabilityZones[0].ZoneId)
		z, err = w.admin(site(target, "ap-southeast-2")).DescribeAvailabilityZones(t.Context(), &ec2.DescribeAvailabilityZonesInput{ZoneIds: []string{"apse2-az2"}})
		require.NoError(t, err)
		require.Equal(t, "ap-southeast-2b", *z.AvailabilityZones[0].ZoneName)
	})
}
