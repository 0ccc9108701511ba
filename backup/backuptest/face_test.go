package backuptest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

func TestAScriptPrintsWhatMakesIt(t *testing.T) {
	text := "seed 7\nec2:CopySnapshot nth 3: reset after\nmutating chance 0.5: refuse 503 Unavailable"
	s, err := backuptest.ParseScript(text)
	require.NoError(t, err)
	require.Equal(t, text, s.String())
	both := s.Then(backuptest.Storm(1, "ec2:*", 0, time.Minute)).Then(backuptest.Weather(2, map[backuptest.Way]float64{backuptest.Reset: 0.1}))
	again, err := backuptest.ParseScript(both.String())
	require.NoError(t, err)
	require.Equal(t, both.String(), again.String())
	_, err = backuptest.ParseScript("seed 7\nec2:*: explode")
	require.ErrorContains(t, err, "line 2")
}

// Each way of failing has the number that the simulation knows it by.
func TestWaysHaveTheirNames(t *testing.T) {
	for way, name := range map[backuptest.Way]string{
		backuptest.None: "none", backuptest.Refuse: "refuse", backuptest.Throttle: "throttle", backuptest.Expire: "expire",
		backuptest.Reset: "reset", backuptest.Hang: "hang", backuptest.Garbage: "garbage", backuptest.Truncate: "truncate",
		backuptest.Cut: "cut", backuptest.Corrupt: "corrupt", backuptest.Die: "die",
	} {
		require.Equal(t, name, way.String())
	}
}

func TestTheLogSaysWhoCalledWhat(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{LogCalls: 2})
		v, err := cloud.AddVolume(shop, dublin, backuptest.Disk{})
		require.NoError(t, err)
		script, err := backuptest.ParseScript("ec2:DeleteVolume: refuse 400 Nothing")
		require.NoError(t, err)
		cloud.SetFault(script.Decide())
		client := admins{cloud}.ec2(shop)
		_, err = client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &v.ID})
		require.NoError(t, err)
		_, err = client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &v.ID})
		require.Error(t, err)

		log := cloud.Log()
		require.Len(t, log, 2, "the newest two")
		made := log[0]
		require.Equal(t, "CreateSnapshot", made.Operation)
		require.Equal(t, shop, made.Account)
		require.Equal(t, "arn:aws:iam::111111111111:user/admin", made.Caller)
		require.Empty(t, made.Code)
		resources := map[string]bool{}
		for _, d := range made.Decisions {
			require.Equal(t, "ec2:CreateSnapshot", d.Action)
			resources[d.Resource] = true
		}
		require.True(t, resources["arn:aws:ec2:eu-west-1:111111111111:volume/"+v.ID], resources)
		require.Equal(t, []string{dublin}, made.Decisions[0].Keys["aws:RequestedRegion"])
		require.Equal(t, "Nothing", log[1].Code)
		require.Equal(t, "refuse 400 Nothing", log[1].Fault)
	})
}

func TestAKilledProcessCallsNoMore(t *testing.T) {
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		admin := cloud.User(shop, "admin", backuptest.Admin())
		process := cloud.Process()
		ctx, cancel := process.Context(context.Background())
		defer cancel()
		doomed := ec2.NewFromConfig(process.Config(admin, dublin))
		create := &ec2.CreateVolumeInput{AvailabilityZone: aws.String(dublin + "a"), Size: aws.Int32(8)}
		_, err := doomed.CreateVolume(ctx, create)
		require.NoError(t, err)

		script, err := backuptest.ParseScript("mutating nth 1: die after")
		require.NoError(t, err)
		cloud.SetFault(script.Decide())
		_, err = doomed.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String(dublin + "a"), Size: aws.Int32(9)})
		require.Error(t, err)
		<-ctx.Done()
		calls := cloud.Stats().Total
		_, err = doomed.DescribeVolumes(context.Background(), &ec2.DescribeVolumesInput{})
		require.Error(t, err)
		require.Equal(t, calls, cloud.Stats().Total, "a dead process reaches nothing")

		found, err := admins{cloud}.ec2(shop).DescribeVolumes(context.Background(), &ec2.DescribeVolumesInput{})
		require.NoError(t, err)
		require.Len(t, found.Volumes, 2, "the call that killed it had its effect")
	})
}

func TestAccountsRegionsAndClocks(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		admin := cloud.User(shop, "admin", backuptest.Admin())
		in := func(region string) error {
			cfg := cloud.Config(admin, region)
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
			return err
		}
		require.NoError(t, in(dublin))
		require.Error(t, in("af-south-1"))
		require.NoError(t, cloud.EnableRegion(shop, "af-south-1"))
		require.NoError(t, in("af-south-1"))
		require.NoError(t, cloud.DisableRegion(shop, "af-south-1"))
		require.Error(t, in("af-south-1"))
		require.Error(t, cloud.EnableRegion(shop, "eu-nowhere-1"))

		cloud.Suspend(shop)
		require.Error(t, in(dublin))
		cloud.Reinstate(shop)
		require.NoError(t, in(dublin))

		cloud.SetClockSkew(time.Hour)
		require.Error(t, in(dublin))
		cloud.SetClockSkew(0)
		require.NoError(t, in(dublin))
	})
}

func TestAnAgentRunsCommands(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		id, _, err := cloud.AddInstance(shop, dublin, backuptest.Instance{Name: "db"})
		require.NoError(t, err)
		ref := backuptest.Ref{Account: shop, Region: dublin, ID: id}
		require.NoError(t, cloud.SetAgent(ref, backuptest.Agent{Run: func(c backuptest.Command) backuptest.Outcome {
			return backuptest.Outcome{Stdout: c.Document + " on " + c.Instance.ID + ": " + c.Parameters["commands"][0], Duration: time.Minute}
		}}))
		cfg, _ := admins{cloud}.Config(ctx, shop, "", dublin)
		client := ssm.NewFromConfig(cfg)
		sent, err := client.SendCommand(ctx, &ssm.SendCommandInput{
			DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{id}, Parameters: map[string][]string{"commands": {"fsfreeze"}},
		})
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		got, err := client.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sent.Command.CommandId, InstanceId: &id})
		require.NoError(t, err)
		require.Equal(t, "AWS-RunShellScript on "+id+": fsfreeze", *got.StandardOutputContent)
		cloud.RemoveAgent(ref)
		_, err = client.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{id}, Parameters: map[string][]string{"commands": {"x"}}})
		var refused smithy.APIError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "InvalidInstanceId", refused.ErrorCode())
	})
}

func TestTheBinKeepsWhatIsDeleted(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		w := watch(t)
		require.NoError(t, w.cloud.SetRecycleBin(backuptest.BinRule{Account: shop, Region: dublin, Days: 7}))
		require.Error(t, w.cloud.SetRecycleBin(backuptest.BinRule{Account: shop, Region: dublin}))
		_, err := w.ec2(shop).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &w.original.ID})
		require.NoError(t, err)
		states := map[string]types.SnapshotState{}
		for _, s := range w.cloud.Snapshots() {
			states[s.ID] = s.State
		}
		require.Equal(t, types.SnapshotStateRecoverable, states[w.original.ID])
		found := w.Check()
		require.Len(t, found, 1, found)
		require.Equal(t, backuptest.Lost, found[0].Rule, "what is in the bin is not there")
	})
}

func TestImagesOfOtherPlatforms(t *testing.T) {
	cloud := backuptest.New(backuptest.Options{})
	id, err := cloud.PublishImage(dublin, backuptest.Image{Name: "win", Platform: "Windows"})
	require.NoError(t, err)
	found, err := admins{cloud}.ec2(shop).DescribeImages(context.Background(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
	require.NoError(t, err)
	require.Equal(t, "Windows", *found.Images[0].PlatformDetails)
	_, err = cloud.PublishImage(dublin, backuptest.Image{Name: "x", Platform: "BeOS"})
	require.ErrorContains(t, err, "BeOS")
}
