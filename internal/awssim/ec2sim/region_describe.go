package ec2sim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// optInStatus of every Region and zone here: none has to be enabled.
const optInStatus = "opt-in-not-required"

var regionFilters = attributes[string]{
	"region-name":   func(name string) []string { return one(name) },
	"endpoint":      func(name string) []string { return one(core.Endpoint("ec2", name)) },
	"opt-in-status": func(string) []string { return one(optInStatus) },
}

// DescribeRegions lists the Regions.
func (s *Service) DescribeRegions(c *core.Call, in *ec2.DescribeRegionsInput) (*ec2.DescribeRegionsOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	if err := c.Authorize(onEverything("DescribeRegions")); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	filters, err := newMatcher(in.Filters, regionFilters, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range in.RegionNames {
		if !core.IsRegion(name) {
			return nil, core.Errorf("InvalidParameterValue", "Invalid region name: '%s'", name)
		}
	}
	out := &ec2.DescribeRegionsOutput{}
	for _, name := range core.Regions() {
		if len(in.RegionNames) > 0 && !slices.Contains(in.RegionNames, name) || !filters.match(name) {
			continue
		}
		out.Regions = append(out.Regions, types.Region{
			Endpoint: aws.String(core.Endpoint("ec2", name)), OptInStatus: aws.String(optInStatus), RegionName: aws.String(name),
		})
	}
	return out, nil
}

var zoneFilters = attributes[subnet]{
	"zone-name":     func(z subnet) []string { return one(z.zone) },
	"zone-id":       func(z subnet) []string { return one(zoneID(z.zone)) },
	"region-name":   func(z subnet) []string { return one(z.zone[:len(z.zone)-1]) },
	"state":         func(subnet) []string { return one(string(types.AvailabilityZoneStateAvailable)) },
	"zone-type":     func(subnet) []string { return one("availability-zone") },
	"opt-in-status": func(subnet) []string { return one(optInStatus) },
}

// DescribeAvailabilityZones lists the zones of the called Region.
func (s *Service) DescribeAvailabilityZones(c *core.Call, in *ec2.DescribeAvailabilityZonesInput) (*ec2.DescribeAvailabilityZonesOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(onEverything("DescribeAvailabilityZones")); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	filters, err := newMatcher(in.Filters, zoneFilters, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range in.ZoneNames {
		if _, err := st.zone(aws.String(name), nil); err != nil {
			return nil, err
		}
	}
	for _, id := range in.ZoneIds {
		if _, err := st.zone(nil, aws.String(id)); err != nil {
			return nil, err
		}
	}
	out := &ec2.DescribeAvailabilityZonesOutput{}
	for _, z := range st.subnets {
		id := zoneID(z.zone)
		if len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, z.zone) ||
			len(in.ZoneIds) > 0 && !slices.Contains(in.ZoneIds, id) || !filters.match(z) {
			continue
		}
		out.AvailabilityZones = append(out.AvailabilityZones, types.AvailabilityZone{
			GroupName: aws.String(st.Region + "-zg-1"), NetworkBorderGroup: aws.String(st.Region),
			OptInStatus: types.AvailabilityZoneOptInStatusOptInNotRequired, RegionName: aws.String(st.Region),
			State: types.AvailabilityZoneStateAvailable, ZoneId: aws.String(id), ZoneName: aws.String(z.zone),
			ZoneType: aws.String("availability-zone"),
		})
	}
	return out, nil
}

// zone returns the name of the zone that a request names or gives the id of.
func (st *site) zone(name, id *string) (string, error) {
	if (name == nil) == (id == nil) {
		return "", core.Errorf("InvalidParameterCombination", "Either AvailabilityZone or AvailabilityZoneId must be specified, but not both")
	}
	for _, z := range st.subnets {
		if name != nil && z.zone == *name || id != nil && zoneID(z.zone) == *id {
			return z.zone, nil
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
