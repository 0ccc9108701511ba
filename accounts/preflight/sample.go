package preflight

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A sample is something of each kind that a dry run can speak of, in one
// Region of an account. What there is none of is empty.
type sample struct {
	volume, instance string
	own              string // snapshot of this vault
	foreign          string // snapshot of the account that is not the vault's
}

// findRegions tells the Regions that the account can use.
func (v *visit) findRegions(ctx context.Context) (findings []Finding) {
	for _, e := range v.entered {
		for _, region := range slices.Concat(e.regions, v.sources(e)) {
			if slices.Contains(v.open, region) || slices.Contains(v.closed, region) {
				continue
			}
			cfg := e.configs[e.regions[0]]
			cfg.Region = region
			_, err := v.clients.ec2(cfg).DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{DryRun: aws.Bool(true)})
			if !unusable(err) {
				v.open = append(v.open, region)
				continue
			}
			v.closed = append(v.closed, region)
			findings = append(findings, Finding{
				Check: Region, Outcome: Wrong, Account: v.id, Regions: []string{region},
				Evidence: "EC2 does not know the account's credentials there (" + brief(err) + "), which serve elsewhere",
				Remedy:   "enable the Region for the account (Account Management, Regions), or take it out of the installation",
			})
		}
	}
	if len(v.open) > 0 {
		findings = append(findings, Finding{
			Check: Region, Outcome: OK, Account: v.id, Regions: v.open, Evidence: "EC2 knows the account's credentials there",
		})
	}
	return findings
}

// sources are the Regions that a role copies from. They must be enabled for
// its account too, or the source of a copy cannot be named.
func (x *examination) sources(e *entry) (regions []string) {
	switch e.purpose() {
	case accounts.VaultWriter:
		for _, p := range x.in.Protected {
			regions = append(regions, p.Regions...)
		}
	case accounts.Restore:
		regions = x.in.Regions
	default: // the others copy nothing from elsewhere
	}
	return regions
}

// openTo returns the first Region in which the role can work, or "".
func (v *visit) openTo(e *entry) string {
	for _, region := range e.regions {
		if slices.Contains(v.open, region) {
			return region
		}
	}
	return ""
}

// openRegions of a role.
func (v *visit) openRegions(e *entry) (all []string) {
	for _, region := range e.regions {
		if slices.Contains(v.open, region) {
			all = append(all, region)
		}
	}
	return all
}

// collect looks for samples as the roles that may list. What they may not
// list, or what is not there, leaves no sample.
func (v *visit) collect(ctx context.Context) {
	for _, e := range v.entered {
		if e.purpose() != accounts.Backup && e.purpose() != accounts.VaultWriter && e.purpose() != accounts.Restore {
			continue
		}
		for _, region := range v.openRegions(e) {
			if _, known := v.samples[region]; !known {
				v.samples[region] = v.sample(ctx, v.clients.ec2(e.configs[region]))
			}
		}
	}
}

func (v *visit) sample(ctx context.Context, client *ec2.Client) (s sample) {
	// EC2 takes no fewer than 5 a page.
	if out, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{MaxResults: aws.Int32(5)}); err == nil && len(out.Volumes) > 0 {
		s.volume = aws.ToString(out.Volumes[0].VolumeId)
	}
	if out, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(5),
		Filters:    []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"running", "stopped"}}},
	}); err == nil && len(out.Reservations) > 0 && len(out.Reservations[0].Instances) > 0 {
		s.instance = aws.ToString(out.Reservations[0].Instances[0].InstanceId)
	}
	self := []string{"self"}
	if out, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{
		OwnerIds: self, MaxResults: aws.Int32(5),
		Filters: []types.Filter{{Name: aws.String("tag:" + iampolicy.TagVault), Values: []string{v.in.Vault}}},
	}); err == nil && len(out.Snapshots) > 0 {
		s.own = aws.ToString(out.Snapshots[0].SnapshotId)
	}
	if out, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: self, MaxResults: aws.Int32(1000)}); err == nil {
		for _, snapshot := range out.Snapshots {
			if s.foreign == "" && !tagged(snapshot.Tags) {
				s.foreign = aws.ToString(snapshot.SnapshotId)
			}
		}
	}
	return s
}

func tagged(tags []types.Tag) bool {
	for _, t := range tags {
		if aws.ToString(t.Key) == iampolicy.TagVault {
			return true
		}
	}
	return false
}
