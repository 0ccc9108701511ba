package enginebench_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// The places: all protected accounts are in one Region, all copies go into
// another of the vault's.
const (
	vault accounts.ID = "999999999999"

	there, home = "us-east-1", "eu-west-1"
)

// perInstance is how many volumes the instances have, but for each account's last.
const perInstance = 4

// A scale says what a world has in it and how long things take there.
type scale struct {
	volumes, accounts int
	// slots is how many copies may be under way into the vault. Zero means any
	// number, of pending snapshots too.
	slots int
	// fixed has every snapshot take 10 min and every copy 15 min. Otherwise
	// both are drawn, see draw.
	fixed bool
	// blind has all volumes be of one size, which so tells nothing of how long
	// a copy takes.
	blind bool
	// poll is how often our engine lists a site. Zero means its default.
	poll time.Duration
	// crowded has other programs eat half of every request bucket.
	crowded bool
}

// A world is a simulated AWS with accounts full of volumes.
type world struct {
	scale
	cloud    *awssim.Cloud
	base     aws.Config // of the host program, whose user may assume all roles
	ways     []accounts.Account
	key      string // of the vault, that copies are written under
	machines []machine
	takes    map[string]lasting // by volume
	begun    int                // calls when the run began
	since    time.Time          // when it began
	rng      *rand.Rand
}

// A machine is an instance of a protected account and its volumes.
type machine struct {
	account  accounts.ID
	instance string
	volumes  []string
}

// A lasting is how long the snapshot of a volume and the copy of that take.
type lasting struct{ snapshot, copying time.Duration }

// newWorld builds a world, in a synctest bubble. Equal seeds build equal ones,
// whoever then works in them and in whatever order.
func newWorld(s scale, seed uint64) (*world, error) {
	w := &world{scale: s, takes: map[string]lasting{}, rng: rand.New(rand.NewPCG(seed, 0xbe4c4))}
	w.cloud = awssim.New(awssim.Options{Seed: seed, Latency: 60 * time.Millisecond})
	if s.crowded {
		w.cloud.SetLimits(core.Limits{Others: 0.5})
	}
	limits := ec2sim.Limits{CopiesPerRegion: s.slots}
	if s.slots == 0 {
		limits.CopiesPerRegion, limits.PendingPerSite = -1, -1
	}
	w.cloud.EC2().SetLimits(limits)
	w.cloud.EC2().SetDurations(ec2sim.Durations{Each: w.each})
	w.base = w.cloud.Config(w.cloud.User(string(vault), "host", awssim.Admin()), home)
	out, err := kms.NewFromConfig(w.builder(vault, home)).CreateKey(context.Background(), &kms.CreateKeyInput{})
	if err != nil {
		return nil, err
	}
	w.key = aws.ToString(out.KeyMetadata.Arn)
	w.ways = append(w.ways, w.way(vault, accounts.VaultWriter, accounts.VaultPruner))
	for i := range s.accounts {
		if err := w.furnish(accounts.ID(fmt.Sprintf("1%011d", i)), share(s.volumes, s.accounts, i)); err != nil {
			return nil, err
		}
	}
	w.begin()
	return w, nil
}

// begin starts the clock and the count of calls.
func (w *world) begin() { w.begun, w.since = w.cloud.Stats().Total, time.Now() }

// share is the part of n that the i-th of several gets.
func share(n, among, i int) int { return n*(i+1)/among - n*i/among }

// builder is for making the world: nothing limits it.
func (w *world) builder(account accounts.ID, region string) aws.Config {
	cfg := w.cloud.Config(w.cloud.Root(string(account)), region)
	cfg.HTTPClient = w.cloud.Builder()
	return cfg
}

// way puts a role for each purpose into an account. They may do everything:
// how permissions are kept apart is shown elsewhere, and costs no calls.
func (w *world) way(account accounts.ID, purposes ...accounts.Purpose) accounts.Account {
	trust := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(string(vault))}},
	}}}
	in := accounts.Account{ID: account, Purposes: map[accounts.Purpose][]accounts.Role{}}
	for _, p := range purposes {
		arn := w.cloud.PutRole(string(account), awssim.Role{Name: string(p), Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}})
		in.Purposes[p] = []accounts.Role{{ARN: arn}}
	}
	return in
}

// furnish puts instances with so many volumes into an account.
func (w *world) furnish(account accounts.ID, volumes int) error {
	w.ways = append(w.ways, w.way(account, accounts.Backup, accounts.Pruner))
	client := ec2.NewFromConfig(w.builder(account, there))
	for volumes > 0 {
		n := min(volumes, perInstance)
		if err := w.addMachine(client, account, n); err != nil {
			return err
		}
		volumes -= n
	}
	w.cloud.EC2().Settle(ec2sim.Site{Account: string(account), Region: there})
	return nil
}

func (w *world) addMachine(client *ec2.Client, account accounts.ID, volumes int) error {
	ctx := context.Background()
	drawn, disks := map[string]lasting{}, []types.BlockDeviceMapping{}
	for i := range volumes {
		device := "/dev/xvda" // the image's root volume
		if i > 0 {
			device = fmt.Sprintf("/dev/sd%c", 'e'+i)
		}
		size, takes := w.draw()
		drawn[device] = takes
		disks = append(disks, types.BlockDeviceMapping{
			DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(size), VolumeType: types.VolumeTypeGp3},
		})
	}
	made, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(there, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), BlockDeviceMappings: disks,
	})
	if err != nil {
		return err
	}
	m := machine{account: account, instance: aws.ToString(made.Instances[0].InstanceId)}
	found, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{m.instance}})
	if err != nil {
		return err
	}
	for _, b := range found.Reservations[0].Instances[0].BlockDeviceMappings {
		id := aws.ToString(b.Ebs.VolumeId)
		m.volumes = append(m.volumes, id)
		w.takes[id] = drawn[aws.ToString(b.DeviceName)]
	}
	w.machines = append(w.machines, m)
	return nil
}

// draw draws the size of a volume and how long its snapshot and copy take:
// lognormal, sigma 0.8, around 100 GiB, 5 min and 10 min. The larger a volume
// the longer its copy, in proportion, as for full copies of full volumes; how
// long a snapshot takes has nothing to do with it, as for incremental ones.
func (w *world) draw() (gib int32, takes lasting) {
	factor := func() float64 { return math.Exp(0.8 * w.rng.NormFloat64()) }
	size, snapshot := factor(), factor()
	takes = lasting{stretch(5*time.Minute, snapshot), stretch(10*time.Minute, size)}
	if w.fixed {
		takes = lasting{10 * time.Minute, 15 * time.Minute}
	}
	if w.blind || w.fixed {
		return 100, takes
	}
	return min(max(int32(100*size), 8), 16384), takes // GiB, of which gp3 has at most 16 TiB
}

func stretch(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by).Truncate(time.Millisecond)
}

// each tells the simulation how long a snapshot or copy takes.
func (w *world) each(k ec2sim.Work) time.Duration {
	if k.Copy {
		return w.takes[k.Origin].copying
	}
	return w.takes[k.Origin].snapshot
}
