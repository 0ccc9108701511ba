package ec2sim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A place is a Region or a zone, with its rank among the others.
type place struct {
	rank  uint64
	name  string
	optIn string // status of a Region for the caller's account
}

func (p *place) order() uint64 { return p.rank }

// places puts names on a shelf.
func places(names []string) *shelf[*place] {
	sh := &shelf[*place]{}
	for i, name := range names {
		sh.add(&place{rank: uint64(i) + 1, name: name})
	}
	return sh
}

func same[T any](x T) T { return x }

var regionFilters = attributes[*place]{
	"region-name":   func(r *place) []string { return one(r.name) },
	"endpoint":      func(r *place) []string { return one(core.Endpoint("ec2", r.name)) },
	"opt-in-status": func(r *place) []string { return one(r.optIn) },
}

// DescribeRegions lists the Regions of the caller's partition: those that its
// account has enabled, or all, or those that are named, enabled or not.
// Source: EC2 API Reference, DescribeRegions.
func (s *Service) DescribeRegions(c *core.Call, in *ec2.DescribeRegionsInput) (*ec2.DescribeRegionsOutput, error) {
	all := places(c.Account.Regions())
	for _, r := range all.items {
		r.optIn = c.Account.OptInStatus(r.name)
	}
	found, _, err := describe(s, c, in, search[*place, *place]{
		shelf: func(*site) *shelf[*place] { return all },
		ids:   in.RegionNames,
		exists: func(name string) error {
			if c.Account.OptInStatus(name) == "" {
				return core.Errorf("InvalidParameterValue", "Invalid region name: '%s'", name)
			}
			return nil
		},
		id: func(r *place) string { return r.name },
		fits: func(r *place) bool {
			return len(in.RegionNames) > 0 || aws.ToBool(in.AllRegions) || r.optIn != core.NotOptedIn
		},
		view:    same[*place],
		filters: regionFilters,
	})
	out := &ec2.DescribeRegionsOutput{}
	for _, r := range found {
		out.Regions = append(out.Regions, types.Region{
			Endpoint: aws.String(core.Endpoint("ec2", r.name)), OptInStatus: aws.String(r.optIn), RegionName: aws.String(r.name),
		})
	}
	return out, err
}

var zoneFilters = attributes[*place]{
	"zone-name":     func(z *place) []string { return one(z.name) },
	"zone-id":       func(z *place) []string { return one(zoneID(z.name)) },
	"region-name":   func(z *place) []string { return one(z.name[:len(z.name)-1]) },
	"state":         func(*place) []string { return one(string(types.AvailabilityZoneStateAvailable)) },
	"zone-type":     func(*place) []string { return one("availability-zone") },
	"opt-in-status": func(*place) []string { return one(core.OptInNotRequired) },
}

// DescribeAvailabilityZones lists the zones of the called Region.
func (s *Service) DescribeAvailabilityZones(c *core.Call, in *ec2.DescribeAvailabilityZonesInput) (*ec2.DescribeAvailabilityZonesOutput, error) {
	found, _, err := describe(s, c, in, search[*place, *place]{
		shelf:   func(st *site) *shelf[*place] { return places(zones(st.Region)) },
		ids:     in.ZoneNames,
		exists:  func(name string) error { return failure(zone(c.Region, &name, nil)) },
		id:      func(z *place) string { return z.name },
		fits:    func(z *place) bool { return len(in.ZoneIds) == 0 || slices.Contains(in.ZoneIds, zoneID(z.name)) },
		view:    same[*place],
		filters: zoneFilters,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range in.ZoneIds {
		if _, err := zone(c.Region, nil, &id); err != nil {
			return nil, err
		}
	}
	out := &ec2.DescribeAvailabilityZonesOutput{}
	for _, z := range found {
		out.AvailabilityZones = append(out.AvailabilityZones, types.AvailabilityZone{
			GroupName: aws.String(c.Region + "-zg-1"), NetworkBorderGroup: aws.String(c.Region),
			OptInStatus: types.AvailabilityZoneOptInStatusOptInNotRequired, RegionName: aws.String(c.Region),
			State: types.AvailabilityZoneStateAvailable, ZoneId: aws.String(zoneID(z.name)), ZoneName: aws.String(z.name),
			ZoneType: aws.String("availability-zone"),
		})
	}
	return out, nil
}

// zones of a Region: it has three.
func zones(region string) []string {
	return []string{region + "a", region + "b", region + "c"}
}

// zone returns the name of the zone that a request names or gives the id of.
func zone(region string, name, id *string) (string, error) {
	if (name == nil) == (id == nil) {
		return "", core.Errorf("InvalidParameterCombination", "Either AvailabilityZone or AvailabilityZoneId must be specified, but not both")
	}
	for _, z := range zones(region) {
		if name != nil && z == *name || id != nil && zoneID(z) == *id {
			return z, nil
		}
	}
	// Source: EC2 API Reference, "Error codes".
	return "", core.Errorf("InvalidZone.NotFound", "The zone '%s%s' does not exist.", aws.ToString(name), aws.ToString(id))
}

// zoneID makes the id of a zone from its name: us-east-1a is use1-az1.
func zoneID(zone string) string {
	part := strings.Split(zone, "-")
	if len(part) != 3 || len(part[2]) < 2 {
		return ""
	}
	letter := part[2][len(part[2])-1]
	direction := ""
	for _, d := range []string{"north", "south", "east", "west", "central"} {
		if strings.Contains(part[1], d) {
			direction += d[:1]
		}
	}
	return part[0] + direction + part[2][:len(part[2])-1] + "-az" + string(letter-'a'+'1')
}
