package ebs_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// filtering is an inventory that does as the filters say; mark is what a
// question mark stands for, as a regular expression.
func filtering(mark string, vms []vm, disks []disk) func(request) answer {
	return func(r request) answer {
		if r.action == "DescribeKey" {
			return inventory(nil, nil)(r)
		}
		passes := func(facts map[string][]string, tags string) bool {
			for i := 1; r.form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
				name := r.form.Get(fmt.Sprintf("Filter.%d.Name", i))
				have := facts[name]
				for pair := range strings.SplitSeq(tags, ",") {
					if k, v, ok := strings.Cut(pair, "="); ok && name == "tag:"+k {
						have = []string{v}
					} else if ok && name == "tag-key" {
						have = append(have, k)
					}
				}
				hit := false
				for j := 1; r.form.Has(fmt.Sprintf("Filter.%d.Value.%d", i, j)); j++ {
					hit = hit || slices.ContainsFunc(have, asRegexp(r.form.Get(fmt.Sprintf("Filter.%d.Value.%d", i, j)), mark).MatchString)
				}
				if !hit {
					return false
				}
			}
			return true
		}
		someVMs := slices.DeleteFunc(slices.Clone(vms), func(v vm) bool {
			return !passes(map[string][]string{"instance-id": {v.id}, "vpc-id": {v.vpc}, "instance-state-name": {v.state}}, v.tags)
		})
		someDisks := slices.DeleteFunc(slices.Clone(disks), func(d disk) bool {
			state := "available"
			if d.at != "" {
				state = "in-use"
			}
			return !passes(map[string][]string{
				"volume-id": {d.id}, "volume-type": {cmp.Or(d.kind, "gp3")}, "status": {cmp.Or(d.state, state)},
				"attachment.instance-id": strings.Fields(d.at),
			}, d.tags)
		})
		return inventory(someVMs, someDisks)(r)
	}
}

func asRegexp(pattern, mark string) *regexp.Regexp {
	var b strings.Builder
	for runes := []rune(pattern); len(runes) > 0; runes = runes[1:] {
		switch {
		case runes[0] == '\\' && len(runes) > 1:
			runes = runes[1:]
			b.WriteString(regexp.QuoteMeta(string(runes[0])))
		case runes[0] == '*':
			b.WriteString("(?s:.*)")
		case runes[0] == '?':
			b.WriteString(mark)
		default:
			b.WriteString(regexp.QuoteMeta(string(runes[0])))
		}
	}
	return regexp.MustCompile("^(?:" + b.String() + ")$")
}

// aMatch draws a Match over what the inventories of these tests have.
func aMatch(rt *rapid.T, ids, vpcs []string, depth int) backup.Match {
	some := func(name string, from []string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 2, rapid.ID).Draw(rt, name)
	}
	values := []string{"a", "b", "ab", "*", "a?", "?", "a*", `\*`, "zz"}
	var m backup.Match
	for m.MinGiB == 0 && len(m.IDs)+len(m.Names)+len(m.Tags)+len(m.VPCs)+len(m.VolumeTypes)+len(m.Not) == 0 && m.MaxGiB == 0 {
		for range rapid.IntRange(1, 3).Draw(rt, "criteria") {
			switch rapid.SampledFrom([]string{"ids", "names", "tag", "tag", "tag", "vpcs", "types", "min", "max", "not", "not"}).Draw(rt, "criterion") {
			case "ids":
				m.IDs = some("ids", ids)
			case "names":
				m.Names = some("names", values)
			case "tag":
				if m.Tags == nil {
					m.Tags = map[string][]string{}
				}
				m.Tags[rapid.SampledFrom([]string{"x", "y", "Name"}).Draw(rt, "key")] = some("values", values)
			case "vpcs":
				m.VPCs = some("vpcs", vpcs)
			case "types":
				m.VolumeTypes = some("types", []string{"gp3", "st1", "io2"})
			case "min":
				m.MinGiB = rapid.Int32Range(1, 4).Draw(rt, "min")
			case "max":
				m.MaxGiB = rapid.Int32Range(1, 4).Draw(rt, "max")
			case "not":
				if depth > 0 {
					m.Not = append(m.Not, aMatch(rt, ids, vpcs, depth-1))
				}
			}
		}
	}
	return m
}

func aSelector(rt *rapid.T, ids, vpcs []string) backup.Selector {
	var sel backup.Selector
	matches := rapid.Custom(func(rt *rapid.T) backup.Match { return aMatch(rt, ids, vpcs, 2) })
	tags := rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), rapid.SampledFrom([]string{"a", "", "a?", "b*"}), 0, 2)
	sel.All = rapid.IntRange(0, 7).Draw(rt, "all") == 0
	sel.IDs = rapid.SliceOfN(rapid.SampledFrom(ids), 0, 2).Draw(rt, "ids")
	sel.Tags = tags.Draw(rt, "tags")
	sel.Any = rapid.SliceOfN(matches, 0, 2).Draw(rt, "any")
	sel.ExcludeTags = tags.Draw(rt, "excluded tags")
	sel.Except = rapid.SliceOfN(matches, 0, 1).Draw(rt, "except")
	return sel
}

// TestFiltersLoseNothing: what is found among what AWS's filters let through is
// what is found among everything, whatever a ? in a filter stands for; volumes
// of several instances are among it.
func TestFiltersLoseNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tags := rapid.Custom(func(rt *rapid.T) string {
			var list []string
			for _, k := range []string{"x", "y", "Name"} {
				if v := rapid.SampledFrom([]string{"-", "a", "b", "ab", "*", ""}).Draw(rt, k); v != "-" {
					list = append(list, k+"="+v)
				}
			}
			return strings.Join(list, ",")
		})
		vpcs := []string{"vpc-1", "vpc-2"}
		var vms []vm
		var disks []disk
		var ids []string
		for n := range rapid.IntRange(0, 4).Draw(rt, "instances") {
			vms = append(vms, vm{fmt.Sprintf("i-%d", n), tags.Draw(rt, "tags"), "running", rapid.SampledFrom(vpcs).Draw(rt, "vpc")})
			ids = append(ids, vms[n].id)
		}
		owned := append([]string{"i-going"}, ids...)
		for n := range rapid.IntRange(0, 6).Draw(rt, "volumes") {
			at := rapid.SliceOfNDistinct(rapid.SampledFrom(owned), 0, 3, rapid.ID).Draw(rt, "at")
			disks = append(disks, disk{
				id: fmt.Sprintf("vol-%d", n), tags: tags.Draw(rt, "tags"), at: strings.Join(at, " "), device: "/dev/sdf",
				kind: rapid.SampledFrom([]string{"gp3", "st1"}).Draw(rt, "kind"), size: rapid.IntRange(1, 5).Draw(rt, "size"),
			})
			ids = append(ids, disks[n].id)
		}
		sel := aSelector(rt, append(ids, "vol-none", "i-none"), vpcs)
		everything, _ := open(t, inventory(vms, disks))
		want := found(t, everything, sel)
		for _, mark := range []string{".", ".?"} {
			narrowed, _ := open(t, filtering(mark, vms, disks))
			if got := found(t, narrowed, sel); !slices.Equal(want, got) {
				rt.Fatalf("%+v of %v and %v\nwant %v\n got %v", sel, vms, disks, want, got)
			}
		}
	})
}

// TestFiltersOfTheSimulatedAWSLoseNothing is the same with the filters of the
// simulated AWS, against its own listing of everything.
func TestFiltersOfTheSimulatedAWSLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		s.cloud.EC2().SetLimits(ec2sim.Limits{ScannedPerPage: 3})
		s.tag("web", "x=a", "y=ab")
		s.tag("db", "x=b")
		s.tag("db /dev/sdf", "x=ab", "Name=a")
		s.tag("loose", "x=*", "Name=ab")
		all, err := s.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		require.NoError(t, err)
		vpc := aws.ToString(all.Reservations[0].Instances[0].VpcId)
		s.runIn(t, "10.9.0.0/16", "x=a", "Name=b")
		var ids []string
		for name, id := range s.ids {
			if name != "key" {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		client := s.client(site)
		drawn := rapid.Custom(func(rt *rapid.T) backup.Selector { return aSelector(rt, ids, []string{vpc, s.ids["vpc"]}) })
		for seed := range 100 {
			sel := drawn.Example(seed)
			everything := sel
			// What EC2 has no filter for makes the driver list everything.
			everything.Any = append(slices.Clone(sel.Any), backup.Match{MaxGiB: 1, Not: []backup.Match{{MaxGiB: 1}}})
			if want, got := discover(t, client, everything), discover(t, client, sel); !slices.EqualFunc(want, got, func(a, b backup.Resource) bool {
				return fmt.Sprint(a) == fmt.Sprint(b)
			}) {
				t.Fatalf("%+v\nwant %v\n got %v", sel, want, got)
			}
		}
	})
}

// runIn runs an instance in a VPC of its own.
func (s *estate) runIn(t *testing.T, cidr string, tags ...string) {
	t.Helper()
	made, err := s.ec2.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: &cidr})
	require.NoError(t, err)
	s.ids["vpc"] = aws.ToString(made.Vpc.VpcId)
	sub, err := s.ec2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: made.Vpc.VpcId, CidrBlock: &cidr})
	require.NoError(t, err)
	out, err := s.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(site.Region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: sub.Subnet.SubnetId, TagSpecifications: spec("instance", tags),
	})
	require.NoError(t, err)
	s.ids["apart"] = aws.ToString(out.Instances[0].InstanceId)
	time.Sleep(time.Minute)
}
