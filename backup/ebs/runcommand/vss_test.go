package runcommand_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// windows is an agent that does what AWS's VSS components do: it makes
// snapshots with the tags it is told, and tags them again if they came out well.
func (w *world) windows(well bool, told chan<- error) backuptest.Agent {
	return backuptest.Agent{Windows: true, Run: func(c backuptest.Command) backuptest.Outcome {
		w.mu.Lock()
		w.ran = append(w.ran, ran{document: c.Document, from: c.At, to: c.At.Add(20 * time.Second)})
		w.mu.Unlock()
		go func() { told <- w.shadow(c, well) }() // an agent must not call the cloud itself
		return backuptest.Outcome{Duration: 20 * time.Second}
	}}
}

func (w *world) shadow(c backuptest.Command, well bool) error {
	ctx := context.Background()
	api := ec2.NewFromConfig(w.cloud.Config(w.cloud.Root(shop), region))
	spec := types.TagSpecification{ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String("AwsVssConfig"), Value: aws.String("x")}}}
	for tag := range strings.SplitSeq(c.Parameters["tags"][0], ";") {
		key, value, _ := strings.Cut(strings.TrimPrefix(tag, "Key="), ",Value=")
		spec.Tags = append(spec.Tags, types.Tag{Key: &key, Value: &value})
	}
	out, err := api.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		Description: &c.Parameters["description"][0], TagSpecifications: []types.TagSpecification{spec},
		InstanceSpecification: &types.InstanceSpecification{
			InstanceId: &c.Instance.ID, ExcludeBootVolume: aws.Bool(c.Parameters["ExcludeBootVolume"][0] == "True"),
		},
	})
	if err != nil || !well {
		return err
	}
	time.Sleep(10 * time.Second)
	for _, s := range out.Snapshots {
		if _, err := api.CreateTags(ctx, &ec2.CreateTagsInput{
			Resources: []string{*s.SnapshotId}, Tags: []types.Tag{{Key: aws.String("AppConsistent"), Value: aws.String("True")}},
		}); err != nil {
			return err
		}
	}
	return nil
}

// The snapshots that VSS makes carry the tags of the run, so that they are
// shared, copied and found like all others.
func TestVSSOnTheSimulatedAWS(t *testing.T) {
	for name, test := range map[string]struct {
		well, root bool
		kind       backup.Consistency
	}{
		"well":             {true, true, backup.VSSConsistent},
		"without the root": {true, false, backup.VSSConsistent},
		"not consistent":   {false, true, backup.FellBack},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				told := make(chan error, 4)
				require.NoError(t, w.cloud.SetAgent(w.instance, w.windows(test.well, told)))
				w.plan.Sources[0].Quiesce = &backup.Quiesce{VSS: &backup.VSS{}, Fallback: true}
				w.plan.Sources[0].Volumes.ExcludeRoot = !test.root
				report, err := w.night()
				require.NoError(t, err)
				require.NoError(t, <-told)
				require.Equal(t, []string{"AWSEC2-CreateVssSnapshot"}, w.documents())
				require.Equal(t, map[string]int{"SendCommand": 1}, only(report.Calls, "SendCommand", "CreateSnapshots"))
				points := w.points()
				require.Len(t, points, 2)
				for _, pt := range points {
					require.Equal(t, test.kind, pt.Consistency)
					require.Len(t, pt.Members, map[bool]int{true: 2, false: 1}[test.root])
				}
				require.Empty(t, w.watcher.Check())
			})
		})
	}
}

func only(calls map[string]int, names ...string) map[string]int {
	some := map[string]int{}
	for _, n := range names {
		if calls[n] > 0 {
			some[n] = calls[n]
		}
	}
	return some
}

// A Linux instance has no VSS.
func TestVSSOnLinuxFallsBack(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.plan.Sources[0].Quiesce = &backup.Quiesce{VSS: &backup.VSS{}, Fallback: true}
		_, err := w.night()
		require.NoError(t, err)
		require.Equal(t, []backup.Consistency{fellBack, fellBack}, w.kinds())
		text := ""
		for _, e := range w.events {
			if e.Err != nil {
				text += e.Err.Error()
			}
		}
		require.Contains(t, text, "UnsupportedPlatformType: the document is for another operating system")
	})
}
