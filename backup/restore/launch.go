package restore

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// options writes what a launch sets beside where the instance stands. What it
// leaves open is not sent, so that the account's defaults count.
func (l Launch) options(in *ec2.RunInstancesInput) {
	set := func(b bool) *bool {
		if !b {
			return nil
		}
		return aws.Bool(true)
	}
	in.EbsOptimized, in.DisableApiTermination, in.DisableApiStop = set(l.EBSOptimized), set(l.KeepAlive), set(l.KeepRunning)
	in.InstanceInitiatedShutdownBehavior = types.ShutdownBehavior(l.Shutdown)
	if l.Monitoring {
		in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
	}
	if l.Hibernation {
		in.HibernationOptions = &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
	}
	if !l.UserData.IsZero() {
		in.UserData = aws.String(l.UserData.Reveal())
	}
	if m := l.Metadata; m != (Metadata{}) {
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpTokens: types.HttpTokensState(m.Tokens), HttpEndpoint: types.InstanceMetadataEndpointState(m.Endpoint),
			HttpProtocolIpv6: types.InstanceMetadataProtocolState(m.IPv6), InstanceMetadataTags: types.InstanceMetadataTagsState(m.Tags),
			HttpPutResponseHopLimit: positive(m.HopLimit),
		}
	}
}

// joined returns tags with further ones, which win.
func joined(tags, further map[string]string) map[string]string {
	if len(further) == 0 {
		return tags
	}
	all := maps.Clone(tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, further)
	return all
}
