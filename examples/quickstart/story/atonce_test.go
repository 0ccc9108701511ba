package story_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs/runcommand"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// coldSite is where copies go to the archive.
var coldSite = backup.Site{Account: theVault, Region: virginia}

// allAtOnce is a setting in which a plan asks for all there is at once: the
// shop's instance is brought to rest, something is rekeyed, all is locked, and
// goes to two Regions; at home there are images, and prunes; elsewhere the
// archive. Blows fall on what no other setting calls.
func allAtOnce() setting {
	return setting{
		name:  "all at once",
		build: allAtOnceLab,
		steps: func() []step {
			return []step{aDay("day 1"), aDay("day 2"), aPruningAtHome(), anArchiving(), aThawing()}
		},
		only:  []string{"SendCommand", "RegisterImage", "DeregisterImage", "ModifySnapshotTier", "RestoreSnapshotTier"},
		calls: 2*(29+2+3*6+2) + 14 + 6 + 6,
	}
}

func allAtOnceLab(t *testing.T) *lab {
	l := kept(t, "last=1", "last=1")
	l.Install.Images, l.Install.Archive = true, true
	l.Install.Lock = &iampolicy.LockBounds{Min: 1, Max: 30}
	for i := range l.Install.Protected {
		l.Install.Protected[i].Lock = &iampolicy.LockBounds{Min: 1, Max: originalsLocked}
	}
	l.want.gone = map[backup.Site][]time.Time{}
	l.quiesce()
	l.addDestination(virginia) // which installs the roles
	l.Plan.Lock = &backup.Lock{Mode: backup.Governance, Days: originalsLocked}
	home, far := &l.Plan.Copies[0], &l.Plan.Copies[1]
	home.Image, home.Lock = true, &backup.Lock{Mode: backup.Compliance, Days: copiesLocked}
	far.Lock = &backup.Lock{Mode: backup.Governance, Days: copiesLocked}
	far.Archive, far.Retention = &backup.Archive{AfterDays: 30, DailyChange: 1}, retention.Policy{Last: retention.All}
	return l
}

// quiesce has the shop's instance brought to rest by scripts of its own.
func (l *lab) quiesce() {
	shop := l.resources[0]
	instance := backuptest.Ref{Account: theShop, Region: dublin, ID: shop.arn[len(arnOf(shop.site, "instance", "")):]}
	var documents []string
	for _, name := range []string{"freeze", "unfreeze"} {
		l.Cloud.PutDocument(theShop, backuptest.Document{Name: name})
		documents = append(documents, "arn:aws:ssm:"+dublin+":"+string(theShop)+":document/"+name)
	}
	require.NoError(l.t, l.Cloud.SetAgent(instance, backuptest.Agent{Run: l.ran.run}))
	_, err := l.ec2(theShop, dublin).CreateTags(l.ctx, &ec2.CreateTagsInput{
		Resources: shop.volumes, Tags: []types.Tag{{Key: aws.String("backup"), Value: aws.String("daily")}},
	})
	require.NoError(l.t, err)
	l.Install.Protected[0].OnlyTagged, l.Install.Protected[0].Documents = map[string]string{"backup": "daily"}, documents
	l.Plan.Sources[0].Quiesce = &backup.Quiesce{
		Before: &backup.Script{Document: "freeze"}, After: &backup.Script{Document: "unfreeze"}, Fallback: true,
	}
	l.EBS.Scripts = runcommand.New(runcommand.Options{})
	require.NoError(l.t, l.Restart())
}

// scripts are what agents ran, in order.
type scripts struct {
	mu   sync.Mutex // guards list
	list []ranScript
}

type ranScript struct {
	arn, document string
	from, to      time.Time
}

// run is what an agent does.
func (s *scripts) run(c backuptest.Command) backuptest.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := backup.Site{Account: c.Instance.Account, Region: c.Instance.Region}
	s.list = append(s.list, ranScript{arnOf(at, "instance", c.Instance.ID), c.Document, c.At, c.At.Add(time.Second)})
	return backuptest.Outcome{Duration: time.Second}
}

// restOf returns when the rest that a script began was ended; the zero time if
// it was not. The caller holds mu.
func (s *scripts) restOf(i int) time.Time {
	for _, next := range s.list[i+1:] {
		if next.arn == s.list[i].arn && next.document == "unfreeze" && !next.from.Before(s.list[i].to) {
			return next.from
		}
	}
	return time.Time{}
}

// checkRests looks for instances that were left at rest.
func (l *lab) checkRests(v *verdict) {
	l.ran.mu.Lock()
	defer l.ran.mu.Unlock()
	for i, r := range l.ran.list {
		if r.document == "freeze" && l.ran.restOf(i).IsZero() {
			v.add("%s is left at rest since %v", r.arn, r.to)
		}
	}
}

// atRest says whether an instance was at rest at a moment.
func (l *lab) atRest(arn string, t time.Time) bool {
	l.ran.mu.Lock()
	defer l.ran.mu.Unlock()
	for i, r := range l.ran.list {
		if r.arn == arn && r.document == "freeze" && !t.Before(r.to) && t.Before(l.ran.restOf(i)) {
			return true
		}
	}
	return false
}

// checkImages looks for the image of each set of copies that should have one:
// it is there once, and of just these copies. No other image is there.
func (l *lab) checkImages(v *verdict, sets map[setKey][]backuptest.Snapshot) {
	found := map[setKey]int{}
	for _, c := range l.Plan.Copies {
		if !c.Image {
			continue
		}
		out, err := l.ec2(c.Account, c.Region).DescribeImages(l.ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}})
		require.NoError(l.t, err)
		for _, i := range out.Images {
			tags := map[string]string{}
			for _, tag := range i.Tags {
				tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			key := setKey{c.Site(), tags["snapkeep:run"], tags["snapkeep:resource"]}
			found[key]++
			var of, want []string
			for _, m := range i.BlockDeviceMappings {
				of = append(of, aws.ToString(m.Ebs.SnapshotId))
			}
			for _, s := range sets[key] {
				want = append(want, s.ID)
			}
			slices.Sort(of)
			if slices.Sort(want); i.State != types.ImageStateAvailable || !slices.Equal(of, want) {
				v.add("image %s is %s and of %v, want %v", aws.ToString(i.ImageId), i.State, of, want)
			}
		}
	}
	for key, set := range sets {
		p := l.protectedBy(key.resource)
		want := 0
		if len(set) > 0 && l.placeAt(key.site).Image && p != nil && p.instance {
			want = 1
		}
		if found[key] != want {
			v.add("%d images of %s of %s at %s, want %d", found[key], key.resource, key.run, key.site, want)
		}
		delete(found, key)
	}
	for key, n := range found {
		v.add("%d images too many of %s of %s at %s", n, key.resource, key.run, key.site)
	}
}

// checkTiers looks for copies that are in the archive and should not be, or the
// other way round.
func (l *lab) checkTiers(v *verdict, snapshots []backuptest.Snapshot) {
	for _, s := range snapshots {
		cold := s.Account == coldSite.Account && s.Region == coldSite.Region && slices.ContainsFunc(l.want.cold, func(at time.Time) bool {
			return s.Tags["snapkeep:run"] == backup.RunID(l.Plan.Name, at)
		})
		tier := types.StorageTierStandard
		if cold && !l.want.thawed {
			tier = types.StorageTierArchive
		}
		if s.Tier != tier || cold == s.Archived.IsZero() {
			v.add("%s of %s is in the tier %s, want %s; archived %v", s.ID, s.Account, s.Tier, tier, s.Archived)
		}
	}
}

// aPruningAtHome keeps the last originals, and the last copies at home, once
// their locks have ended.
func aPruningAtHome() step {
	s := aPruning(1, 0)
	s.ready = func(*lab) { time.Sleep((copiesLocked + 1) * 24 * time.Hour) }
	s.then = func(l *lab) {
		all := l.want.originals
		l.want.originals, l.want.gone[l.Plan.Copies[0].Site()] = all[len(all)-1:], all[:len(all)-1]
	}
	return s
}

// anArchiving moves all but the last copies elsewhere to the archive.
func anArchiving() step {
	return step{
		name:  "archive",
		ready: func(*lab) { time.Sleep(60 * 24 * time.Hour) },
		do: func(ctx context.Context, l *lab) error {
			plan, err := l.Engine.PlanArchive(ctx, l.Plan, time.Now())
			if err != nil {
				return err
			}
			if len(plan.Notes) > 0 {
				return errors.New(plan.String())
			}
			report, err := l.Engine.Archive(ctx, plan)
			if err == nil && report.Count(backup.Archived) < plan.Moves() {
				err = errors.New(report.String())
			}
			return err
		},
		then: func(l *lab) {
			l.want.cold = l.want.copies[:len(l.want.copies)-1]
			time.Sleep(4 * 24 * time.Hour) // until AWS has moved them
		},
		tells: true,
	}
}

// aThawing brings back what was archived.
func aThawing() step {
	return step{
		name:  "thaw",
		ready: func(*lab) { time.Sleep(time.Hour) },
		do: func(ctx context.Context, l *lab) error {
			for pt, err := range l.Engine.Points(ctx, backup.PointFilter{Sites: []backup.Site{coldSite}}) {
				if err != nil {
					return err
				}
				for pt.Run.Equal(l.want.cold[0]) {
					out, err := l.Engine.Thaw(ctx, pt, 30)
					if err = errors.Join(err, ctx.Err()); err != nil {
						return err
					}
					if out.Done {
						break
					}
					time.Sleep(time.Until(out.NotBefore))
				}
			}
			return nil
		},
		then: func(l *lab) { l.want.thawed = true },
	}
}
