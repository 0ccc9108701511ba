package story_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A lab is a world together with a record of its own of what was in it and of
// what should be. It asks the simulation and EC2, and only in the end the
// library whether it sees the same.
type lab struct {
	*story.World
	t         *testing.T
	ctx       context.Context
	resources []protected
	others    map[string]bool     // snapshots that were there before the first run
	past      map[string][]moment // what each volume held, and since when
	pages     byte                // of data written so far
	want      wanted
	ahead     time.Duration // how far AWS's clock is ahead of the process's, see moveTo

	ran      scripts
	watching sync.WaitGroup
	mu       sync.Mutex      // guards the two below
	safe     map[string]bool // what has had a complete copy, and where
	seen     []string        // what was wrong for a moment
}

// A protected is a resource that the plan selects.
type protected struct {
	arn      string
	site     backup.Site
	volumes  []string // by device
	instance bool
}

// A moment is what a volume held from then on.
type moment struct {
	since    time.Time
	contents backuptest.Contents
}

// A wanted is what should be there.
type wanted struct {
	// originals and copies are the runs of which every resource has them.
	originals, copies []time.Time
	// perhaps are the runs of which a resource may have nothing at all, for
	// they were never taken up again; of unproven ones there are no copies.
	perhaps, unproven []time.Time
	// gone are runs whose copies were pruned at one destination.
	gone     map[backup.Site][]time.Time
	restored []restored
	// cold are runs whose copies at coldSite are in the archive; thawed says
	// that they were brought back.
	cold   []time.Time
	thawed bool
}

// runs returns all runs, oldest first, each once.
func (w wanted) runs() []time.Time {
	all := slices.Concat(w.originals, w.copies, w.perhaps)
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// A restored is what a restore should have made.
type restored struct {
	of     protected
	at     time.Time // of the data
	report *restore.Report
}

// newLab builds a world. With one worker, what its engine does is a function
// of the seed; zero workers are as many as by default.
func newLab(t *testing.T, seed uint64, workers int) *lab {
	t.Helper()
	world, err := story.NewWorld(t.Context(), seed)
	require.NoError(t, err)
	l := &lab{
		World: world, t: t, ctx: t.Context(),
		others: map[string]bool{}, past: map[string][]moment{}, safe: map[string]bool{},
	}
	// A renewal of credentials goes on for up to a minute when a run that began
	// it has ended, and a bubble may not end before it.
	t.Cleanup(func() { time.Sleep(time.Minute) })
	l.Options = backup.Options{Concurrency: workers, MaxAge: 2 * time.Minute}
	require.NoError(t, l.Restart())
	for _, s := range l.Cloud.Snapshots() {
		l.others[s.ID] = true
	}
	for _, s := range l.Plan.Sources {
		l.discover(s)
	}
	require.Len(t, l.resources, 3)
	l.calm()
	return l
}

// discover finds what a source selects, by asking EC2.
func (l *lab) discover(s backup.Source) {
	client := l.ec2(s.Account, s.Regions[0])
	site := backup.Site{Account: s.Account, Region: s.Regions[0]}
	instances, err := client.DescribeInstances(l.ctx, &ec2.DescribeInstancesInput{})
	require.NoError(l.t, err)
	for _, r := range instances.Reservations {
		p := protected{site: site, instance: true, arn: arnOf(site, "instance", aws.ToString(r.Instances[0].InstanceId))}
		for _, m := range r.Instances[0].BlockDeviceMappings {
			p.volumes = append(p.volumes, aws.ToString(m.Ebs.VolumeId))
		}
		l.resources = append(l.resources, p)
	}
	if !s.Select.All {
		return
	}
	volumes, err := client.DescribeVolumes(l.ctx, &ec2.DescribeVolumesInput{})
	require.NoError(l.t, err)
	for _, v := range volumes.Volumes {
		if len(v.Attachments) == 0 {
			id := aws.ToString(v.VolumeId)
			l.resources = append(l.resources, protected{site: site, arn: arnOf(site, "volume", id), volumes: []string{id}})
		}
	}
}

func arnOf(at backup.Site, kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", at.Region, at.Account, kind, id)
}

// ec2 is a client with administrator rights.
func (l *lab) ec2(account accounts.ID, region string) *ec2.Client {
	return ec2.NewFromConfig(l.Cloud.Config(l.Cloud.User(account, "admin", backuptest.Admin()), region))
}

func (l *lab) vault() accounts.ID { return accounts.ID(l.Install.Vault) }

// clean is where restores go.
func (l *lab) clean() (site backup.Site, key string) {
	r := l.Install.Restore[0]
	return backup.Site{Account: accounts.ID(r.Account), Region: r.Regions[0]}, r.Keys[0]
}

// addDestination has the plan copy into another Region of the vault too.
func (l *lab) addDestination(region string) {
	client := kms.NewFromConfig(l.Cloud.Config(l.Cloud.User(l.vault(), "admin", backuptest.Admin()), region))
	made, err := client.CreateKey(l.ctx, &kms.CreateKeyInput{})
	require.NoError(l.t, err)
	key := aws.ToString(made.KeyMetadata.Arn)
	l.Install.Regions = append(l.Install.Regions, region)
	l.Install.VaultKeys = append(l.Install.VaultKeys, key)
	policy, err := l.Install.VaultKeyPolicy()
	require.NoError(l.t, err)
	text, err := policy.MarshalJSON()
	require.NoError(l.t, err)
	_, err = client.PutKeyPolicy(l.ctx, &kms.PutKeyPolicyInput{
		KeyId: made.KeyMetadata.KeyId, Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	require.NoError(l.t, err)
	l.putRoles()
	first := l.Plan.Copies[0]
	l.Plan.Copies = append(l.Plan.Copies, backup.Copy{Account: l.vault(), Region: region, KMSKey: key, Retention: first.Retention})
}

// putRoles installs the roles of a changed installation.
func (l *lab) putRoles() {
	roles, err := l.Install.Roles()
	require.NoError(l.t, err)
	for _, r := range roles {
		l.Cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
	}
}

// write changes something on every volume.
func (l *lab) write() {
	l.pages++
	for _, p := range l.resources {
		for i, id := range p.volumes {
			ref := backuptest.Ref{Account: p.site.Account, Region: p.site.Region, ID: id}
			for _, block := range []int64{0, int64(l.pages)} {
				require.NoError(l.t, l.Cloud.WriteVolume(ref, block, fmt.Appendf(nil, "page %d of volume %d of %s", l.pages, i, p.arn)))
			}
			contents, err := l.Cloud.ReadVolume(ref)
			require.NoError(l.t, err)
			l.past[id] = append(l.past[id], moment{l.now(), contents})
		}
	}
	// What is written and what is snapshotted at one moment nobody could tell.
	time.Sleep(time.Second)
}

// held returns what a volume held at a moment.
func (l *lab) held(volume string, at time.Time) backuptest.Contents {
	var then backuptest.Contents
	for _, m := range l.past[volume] {
		if m.since.Before(at) {
			then = m.contents
		}
	}
	return then
}

// isSnapkeep says that a call is made by the library, and not by the lab or
// another tool.
func isSnapkeep(c backuptest.Call) bool {
	return strings.Contains(c.Caller, ":assumed-role/snapkeep-") || strings.HasSuffix(c.Caller, ":user/orchestrator")
}

// watch looks at the world after every call of snapkeep's that changes
// something, beside what decide does to its calls.
func (l *lab) watch(decide func(backuptest.Call) backuptest.Fault) func(backuptest.Call) backuptest.Fault {
	return func(c backuptest.Call) backuptest.Fault {
		if !isSnapkeep(c) {
			return backuptest.Fault{}
		}
		if c.Mutating {
			l.watching.Go(l.look) // it waits until the call has had its effect
		}
		return decide(c)
	}
}

// proven says that there is something in the vault of a run.
func (l *lab) proven(at time.Time) bool {
	return slices.ContainsFunc(l.Cloud.Snapshots(), func(s backuptest.Snapshot) bool {
		return s.Account == l.vault() && s.Tags["snapkeep:run"] == backup.RunID(l.Plan.Name, at)
	})
}

// calm lets all calls through.
func (l *lab) calm() {
	l.Cloud.SetFault(l.watch(func(backuptest.Call) backuptest.Fault { return backuptest.Fault{} }))
}

// look notes what must not be so at any moment: that something is there twice,
// has lost its last good copy, or is shared with somebody who has no business
// with it.
func (l *lab) look() {
	snapshots := l.Cloud.Snapshots()
	l.mu.Lock()
	defer l.mu.Unlock()
	whole := map[string]bool{}
	for set, members := range l.sets(snapshots) {
		p := l.protectedBy(set.resource)
		if set.site.Account != l.vault() || p == nil {
			continue
		}
		done := map[string]bool{}
		for _, s := range members {
			done[s.Origin] = done[s.Origin] || s.State == types.SnapshotStateCompleted
		}
		if len(done) == len(p.volumes) && !slices.Contains(slices.Collect(maps.Values(done)), false) {
			whole[set.resource+" at "+set.site.String()] = true
		}
	}
	for where := range l.safe {
		if !whole[where] {
			l.seen = append(l.seen, "the last good copy is gone of "+where)
		}
	}
	maps.Copy(l.safe, whole)
	clean, _ := l.clean()
	made := map[string]string{}
	for _, s := range snapshots {
		if key := s.Tags["snapkeep:key"]; key != "" {
			what := fmt.Sprintf("%s at %s/%s with key %s", s.Origin, s.Account, s.Region, key)
			if first := made[what]; first != "" {
				l.seen = append(l.seen, fmt.Sprintf("%s and %s are both of %s", first, s.ID, what))
			}
			made[what] = s.ID
		}
		for _, with := range s.Shares {
			if s.Account == clean.Account || s.Account == l.vault() && with != clean.Account || s.Account != l.vault() && with != l.vault() {
				l.seen = append(l.seen, fmt.Sprintf("%s of %s is shared with %s", s.ID, s.Account, with))
			}
		}
		if s.Public {
			l.seen = append(l.seen, s.ID+" is public")
		}
	}
}

func (l *lab) protectedBy(arn string) *protected {
	i := slices.IndexFunc(l.resources, func(p protected) bool { return p.arn == arn })
	if i < 0 {
		return nil
	}
	return &l.resources[i]
}
