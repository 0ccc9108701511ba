package backup_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	vault  accounts.ID = "999999999999"
	alpha  accounts.ID = "111111111111"
	beta   accounts.ID = "222222222222"
	region             = "eu-west-1"
	other              = "eu-central-1"
)

var (
	siteA  = backup.Site{Account: alpha, Region: region}
	siteB  = backup.Site{Account: beta, Region: region}
	home   = backup.Site{Account: vault, Region: region}
	second = backup.Site{Account: vault, Region: other}
)

func keyAt(s backup.Site) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/1234abcd", s.Region, s.Account)
}

func instance(site backup.Site, id string, members ...backup.Member) backup.Resource {
	return backup.Resource{
		ARN: fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", site.Region, site.Account, id), Kind: "instance", Site: site,
		Name: "web", Tags: map[string]string{"Name": "web"}, Members: members,
		Machine: backup.Machine{InstanceType: "m5.large", Zone: site.Region + "a", Architecture: "x86_64", BootMode: "uefi", ENA: true, RootDevice: "/dev/xvda"},
	}
}

func volume(site backup.Site, m backup.Member) backup.Resource {
	return backup.Resource{
		ARN: fmt.Sprintf("arn:aws:ec2:%s:%s:volume/%s", site.Region, site.Account, m.Volume), Kind: "volume", Site: site,
		Members: []backup.Member{m},
	}
}

func plain(id string, giB int32) backup.Member {
	return backup.Member{Volume: id, Type: "gp3", SizeGiB: giB, IOPS: 3000, Throughput: 125}
}

func root(id string, giB int32) backup.Member {
	m := plain(id, giB)
	m.Device, m.Root = "/dev/xvda", true
	return m
}

// managed is a volume under aws/ebs.
func managed(site backup.Site, id string, giB int32) backup.Member {
	m := plain(id, giB)
	m.Device, m.Encrypted, m.ManagedKey = "/dev/sdf", true, true
	m.KMSKey = keyAt(site) + "-aws-ebs"
	return m
}

// story is a cloud with two protected accounts: in A an instance of three
// volumes, one of them under aws/ebs, and a detached volume; in B an instance.
func story(t *testing.T) *cloud {
	c := newCloud(t)
	c.resources[siteA] = []backup.Resource{
		instance(siteA, "i-a1", root("vol-a1", 8), plain("vol-a2", 100), managed(siteA, "vol-a3", 50)),
		volume(siteA, plain("vol-a9", 20)),
	}
	c.resources[siteB] = []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30))}
	return c
}

// nightly copies both accounts home.
func nightly(copies ...backup.Copy) backup.Plan {
	if copies == nil {
		copies = []backup.Copy{copyTo(home)}
	}
	return backup.Plan{
		Name: "nightly", Retention: retention.Policy{Last: 7}, Copies: copies,
		Sources: []backup.Source{
			{Account: alpha, Regions: []string{region}, Select: backup.Selector{All: true}, RekeyKeys: map[string]string{region: keyAt(siteA)}},
			{Account: beta, Regions: []string{region}, Select: backup.Selector{All: true}},
		},
	}
}

func copyTo(s backup.Site) backup.Copy {
	return backup.Copy{Account: s.Account, Region: s.Region, KMSKey: keyAt(s)}
}

func engine(t *testing.T, c *cloud, opts backup.Options) *backup.Engine {
	t.Helper()
	opts.Vault = vault
	e, err := backup.New(c, []backup.Driver{c}, opts)
	require.NoError(t, err)
	return e
}

// inTime runs f in a bubble, where hours pass in no time.
func inTime(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t) })
}

func run(t *testing.T, c *cloud, p backup.Plan, at time.Time) *backup.Report {
	t.Helper()
	report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, at)
	require.NoError(t, err)
	return report
}

// points reads the catalog of a plan.
func points(t *testing.T, c *cloud, p backup.Plan) []backup.Point {
	t.Helper()
	time.Sleep(c.lag)
	var list []backup.Point
	for pt, err := range engine(t, c, backup.Options{}).Points(t.Context(), p.Filter(vault)) {
		require.NoError(t, err)
		list = append(list, pt)
	}
	return list
}

// intact checks what must be true after a run of the story that came to its
// end, however it got there: every volume has one original and one copy at
// each destination, nothing is shared, no intermediate is left, and the
// catalog says so.
func intact(t *testing.T, c *cloud, p backup.Plan, at time.Time) {
	t.Helper()
	have := map[string]int{}
	for id, s := range c.snaps {
		if s.gone {
			continue
		}
		require.Empty(t, s.shared, "%s at %s is left shared", id, s.site)
		require.Empty(t, s.Tags["snapkeep:step"], "%s is an intermediate", id)
		require.Equal(t, backup.SnapshotCompleted, c.now(s).State, id)
		volume := s.Volume
		if s.Tags["snapkeep:source"] != "" {
			volume = s.Tags["snapkeep:source"] + " " + s.Tags["snapkeep:key"]
		}
		have[s.site.String()+" "+volume]++
	}
	for what, n := range have {
		require.Equal(t, 1, n, "%s is doubled", what)
	}
	volumes := 0
	for _, list := range c.resources {
		for _, r := range list {
			volumes += len(r.Members)
		}
	}
	require.Len(t, have, volumes*(1+len(p.Copies)))
	resources := 0
	for _, s := range p.Sources {
		resources += len(c.resources[backup.Site{Account: s.Account, Region: s.Regions[0]}])
	}
	list := points(t, c, p)
	require.Len(t, list, resources*(1+len(p.Copies)))
	for _, pt := range list {
		require.Equal(t, retention.Complete, pt.State, "%+v", pt)
		require.Empty(t, pt.Extra)
		require.Equal(t, at.UTC().Truncate(time.Second), pt.Run)
	}
}

// mutationsOf counts the calls that change something in a run without faults.
func mutationsOf(t *testing.T, p backup.Plan) (n int) {
	t.Helper()
	inTime(t, func(t *testing.T) {
		c := story(t)
		run(t, c, p, time.Now())
		n = c.mutations()
	})
	require.Greater(t, n, 10, "the story has become short")
	return n
}

func withStop(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	return ctx, stop
}

// lostAnswer is what a driver says when it does not know what came of a call.
var lostAnswer = errors.Join(errors.New("connection reset"), backup.ErrUnknownOutcome)
