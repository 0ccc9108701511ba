package restore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const (
	protected, vault, clean = "111111111111", "999999999999", "555555555555"
	home, away              = "eu-west-1", "eu-central-1"
)

// A world is a simulated AWS in which a protected instance was copied into the
// vault, with the generated roles and key policies installed.
type world struct {
	t         testing.TB
	cloud     *awssim.Cloud
	vaultKey  string
	cleanKeys map[string]string // by Region
	sessions  *accounts.Sessions
	point     backup.Point
	originals map[string]ec2sim.Contents // by volume
}

// newWorld builds a world; it must be called in a synctest bubble. The
// protected account's part is over when it returns: restores must not need it.
func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, ec2sim.BaseImage(home, types.ArchitectureValuesX8664))
}

// newWorldOf builds a world whose instance runs an image, or the platform of
// that name.
func newWorldOf(t testing.TB, image string) *world {
	t.Helper()
	w := &world{t: t, cloud: awssim.New(awssim.Options{}), cleanKeys: map[string]string{}, originals: map[string]ec2sim.Contents{}}
	w.vaultKey = w.newKey(vault, home)
	for _, region := range []string{home, away} {
		w.cleanKeys[region] = w.newKey(clean, region)
	}
	if !strings.HasPrefix(image, "ami-") {
		var err error
		image, err = w.cloud.EC2().PublishImage(home, ec2sim.PublicImage{Name: "licensed", Platform: image})
		require.NoError(t, err)
	}
	w.protect(image)
	w.install()
	return w
}

// admin returns a client of an account's root user, outside of all fault
// injection that looks at callers.
func (w *world) admin(account, region string) *ec2.Client {
	return ec2.NewFromConfig(w.cloud.Config(w.cloud.Root(account), region))
}

func (w *world) newKey(account, region string) string {
	out, err := kms.NewFromConfig(w.cloud.Config(w.cloud.Root(account), region)).CreateKey(context.Background(), &kms.CreateKeyInput{})
	require.NoError(w.t, err)
	return aws.ToString(out.KeyMetadata.Arn)
}

// disks of the protected instance, beside the root volume of 8 GiB.
var disks = []types.BlockDeviceMapping{
	{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{
		VolumeSize: aws.Int32(20), VolumeType: types.VolumeTypeGp3, Iops: aws.Int32(4000), Throughput: aws.Int32(250),
	}},
	{DeviceName: aws.String("/dev/sdg"), Ebs: &types.EbsBlockDevice{
		VolumeSize: aws.Int32(10), VolumeType: types.VolumeTypeIo2, Iops: aws.Int32(500),
	}},
}

// protect runs an instance with data in the protected account, and copies its
// snapshots into the vault.
func (w *world) protect(image string) {
	ctx := context.Background()
	there := w.admin(protected, home)
	run, err := there.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(image), InstanceType: types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), BlockDeviceMappings: disks,
	})
	require.NoError(w.t, err)
	id := aws.ToString(run.Instances[0].InstanceId)
	time.Sleep(time.Minute)
	instances, err := there.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	require.NoError(w.t, err)
	instance := instances.Reservations[0].Instances[0]
	require.Equal(w.t, types.InstanceStateNameRunning, instance.State.Name)
	volumes, err := there.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	require.NoError(w.t, err)
	require.Len(w.t, volumes.Volumes, 3)
	w.point = backup.Point{
		ID: "sk-0123456789abcdef0", Plan: "nightly", Copy: true, Kind: "instance",
		Site: backup.Site{Account: vault, Region: home}, Source: backup.Site{Account: protected, Region: home},
		Resource: "arn:aws:ec2:" + home + ":" + protected + ":instance/" + id,
		Machine: backup.Machine{
			InstanceType: string(instance.InstanceType), Zone: aws.ToString(instance.Placement.AvailabilityZone),
			Architecture: string(instance.Architecture), BootMode: string(instance.BootMode),
			ENA: aws.ToBool(instance.EnaSupport), RootDevice: aws.ToString(instance.RootDeviceName),
			PlatformDetails: aws.ToString(instance.PlatformDetails), UsageOperation: aws.ToString(instance.UsageOperation),
		},
	}
	for n, v := range volumes.Volumes {
		m := backup.Member{
			Volume: aws.ToString(v.VolumeId), Device: aws.ToString(v.Attachments[0].Device), Type: string(v.VolumeType),
			SizeGiB: aws.ToInt32(v.Size), IOPS: aws.ToInt32(v.Iops), Throughput: aws.ToInt32(v.Throughput),
		}
		m.Root = m.Device == w.point.Machine.RootDevice
		ref := ec2sim.Ref{Site: ec2sim.Site{Account: protected, Region: home}, ID: m.Volume}
		for _, index := range []int64{0, 1, 1000, 2048} {
			require.NoError(w.t, w.cloud.EC2().WriteVolume(ref, index, fmt.Appendf(nil, "block %d of disk %d", index, n)))
		}
		contents, err := w.cloud.EC2().ReadVolume(ref)
		require.NoError(w.t, err)
		w.originals[m.Volume] = contents
		w.point.Members = append(w.point.Members, backup.PointMember{Member: m})
	}
	slices.SortFunc(w.point.Members, func(a, b backup.PointMember) int {
		if a.Root != b.Root {
			return map[bool]int{true: -1, false: 1}[a.Root]
		}
		return int(a.Device[len(a.Device)-1]) - int(b.Device[len(b.Device)-1])
	})
	w.copyToVault(there, id)
}

// copyToVault snapshots the instance and copies the snapshots.
func (w *world) copyToVault(there *ec2.Client, instance string) {
	ctx := context.Background()
	set, err := there.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(instance)},
	})
	require.NoError(w.t, err)
	time.Sleep(time.Hour)
	here := w.admin(vault, home)
	tags := []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{
		{Key: aws.String(iampolicy.TagVault), Value: aws.String(vault)},
	}}}
	for _, s := range set.Snapshots {
		_, err := there.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: s.SnapshotId, CreateVolumePermission: &types.CreateVolumePermissionModifications{
				Add: []types.CreateVolumePermission{{UserId: aws.String(vault)}},
			},
		})
		require.NoError(w.t, err)
		out, err := here.CopySnapshot(ctx, &ec2.CopySnapshotInput{
			SourceRegion: aws.String(home), SourceSnapshotId: s.SnapshotId, Encrypted: aws.Bool(true),
			KmsKeyId: aws.String(w.vaultKey), TagSpecifications: tags,
		})
		require.NoError(w.t, err)
		m := slices.IndexFunc(w.point.Members, func(m backup.PointMember) bool { return m.Volume == aws.ToString(s.VolumeId) })
		w.point.Members[m].Snapshot = backup.Snapshot{
			ID: aws.ToString(out.SnapshotId), Owner: vault, SizeGiB: aws.ToInt32(s.VolumeSize),
			State: backup.SnapshotCompleted, Encrypted: true, KMSKey: w.vaultKey, Started: aws.ToTime(s.StartTime),
		}
		w.point.Time = aws.ToTime(s.StartTime)
	}
	time.Sleep(time.Hour)
	for _, s := range w.snapshots(vault) {
		require.Equal(w.t, types.SnapshotStateCompleted, s.State, s.StateMessage)
	}
}

// install puts the generated roles and policies in place, and makes sessions
// of them: the base identity is the orchestrator, who can assume them and
// nothing else.
func (w *world) install() {
	keyAdmin := w.cloud.PutRole(vault, awssim.Role{Name: "key-admin", Trust: trustRoot(w.t, vault), Policies: []*iampolicy.Document{awssim.Admin()}})
	i := iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{home}, VaultKeys: []string{w.vaultKey}, KeyAdmins: []string{keyAdmin},
		Restore: []iampolicy.RestoreAccount{{
			Account: clean, ExternalID: "restore-e81a", Regions: []string{home, away},
			Keys:      slices.Collect(maps.Values(w.cleanKeys)),
			PassRoles: []string{"arn:aws:iam::" + clean + ":role/app"},
		}},
	}
	policy, err := i.OrchestratorPolicy()
	require.NoError(w.t, err)
	orchestrator := w.cloud.User(vault, "orchestrator", policy)
	roles, err := i.Roles()
	require.NoError(w.t, err)
	declared := map[string]accounts.Account{}
	externalIDs := map[string]string{vault: i.ExternalID, clean: i.Restore[0].ExternalID}
	for _, r := range roles {
		arn := w.cloud.PutRole(r.Account, awssim.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		a := declared[r.Account]
		if a.Purposes == nil {
			a = accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}}
		}
		a.Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: arn, ExternalID: externalIDs[r.Account]}}
		declared[r.Account] = a
	}
	w.putKeyPolicy(vault, home, w.vaultKey, i.VaultKeyPolicy)
	for region, key := range w.cleanKeys {
		w.putKeyPolicy(clean, region, key, func() (*iampolicy.Document, error) { return i.RestoreKeyPolicy(clean) })
	}
	w.sessions, err = accounts.New(w.cloud.Config(orchestrator, home), slices.Collect(maps.Values(declared)), accounts.Options{})
	require.NoError(w.t, err)
}

func (w *world) putKeyPolicy(account, region, key string, policy func() (*iampolicy.Document, error)) {
	doc, err := policy()
	require.NoError(w.t, err)
	text, err := json.Marshal(doc)
	require.NoError(w.t, err)
	by := w.cloud.Root(account)
	if account == vault {
		by = w.keyAdmin()
	}
	_, err = kms.NewFromConfig(w.cloud.Config(by, region)).PutKeyPolicy(context.Background(), &kms.PutKeyPolicyInput{
		KeyId: aws.String(key), Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	require.NoError(w.t, err)
}

// keyAdmin is the only one whom the vault's key lets change its policy.
func (w *world) keyAdmin() aws.CredentialsProvider {
	boss := w.cloud.User(vault, "boss", awssim.Admin())
	out, err := sts.NewFromConfig(w.cloud.Config(boss, home)).AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + vault + ":role/key-admin"), RoleSessionName: aws.String("test"),
	})
	require.NoError(w.t, err)
	c := out.Credentials
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}, nil
	})
}

// rootPolicy is what AWS gives a key: the account decides.
func rootPolicy() (*iampolicy.Document, error) {
	return iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",
		"Principal":{"AWS":"arn:aws:iam::` + vault + `:root"}}]}`))
}

func trustRoot(t testing.TB, account string) *iampolicy.Document {
	doc, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
		"Principal":{"AWS":"arn:aws:iam::` + account + `:root"}}]}`))
	require.NoError(t, err)
	return doc
}

// request is a restore of the whole point into the clean account.
func (w *world) request(as restore.Kind, region string) restore.Request {
	q := restore.Request{
		ID: "drill-1", Point: w.point, Account: clean, Region: region, KMSKey: w.cleanKeys[region], As: as,
		Tags: map[string]string{"Name": "restored"},
	}
	if as == restore.Volumes {
		q.Zone = region + "a"
	}
	return q
}

func (w *world) restorer(opts restore.Options) *restore.Restorer {
	r, err := restore.New(w.sessions, opts)
	require.NoError(w.t, err)
	return r
}

// snapshots returns those of an account.
func (w *world) snapshots(account string) []ec2sim.Snapshot {
	return slices.DeleteFunc(w.cloud.EC2().Snapshots(), func(s ec2sim.Snapshot) bool { return s.Account != account })
}

// verify is the invariant of every restore that succeeded: the volumes hold
// what the originals held, as they were, under the clean account's key; there
// is one of each; nothing is shared, and nothing temporary is left. It
// returns the restored volumes by the volume they are of.
func (w *world) verify(q restore.Request, report *restore.Report) map[string]types.Volume {
	w.t.Helper()
	require.Empty(w.t, w.cloud.Misuse())
	require.Empty(w.t, report.Left)
	require.Equal(w.t, q.ID, report.ID)
	require.Len(w.t, report.Volumes, len(q.Point.Members))
	restored := w.restored(q)
	require.Len(w.t, restored, len(q.Point.Members), "volumes are missing or doubled")
	byID := map[string]types.Volume{}
	for n, m := range q.Point.Members {
		got := report.Volumes[n]
		v, ok := restored[got.Volume]
		require.True(w.t, ok, got.Volume)
		require.Equal(w.t, restore.Volume{Source: m.Volume, Volume: aws.ToString(v.VolumeId), Device: m.Device, SizeGiB: m.SizeGiB}, got)
		w.compare(q, m, v)
		byID[m.Volume] = v
	}
	w.nothingLeft(q)
	return byID
}

// restored lists the volumes of a restore.
func (w *world) restored(q restore.Request) map[string]types.Volume {
	volumes, err := w.admin(string(q.Account), q.Region).DescribeVolumes(context.Background(), &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("tag:" + iampolicy.TagRestore), Values: []string{q.ID}}},
	})
	require.NoError(w.t, err)
	all := map[string]types.Volume{}
	for _, v := range volumes.Volumes {
		all[aws.ToString(v.VolumeId)] = v
	}
	return all
}

// compare compares a restored volume with its original.
func (w *world) compare(q restore.Request, m backup.PointMember, v types.Volume) {
	w.t.Helper()
	contents, err := w.cloud.EC2().ReadVolume(ec2sim.Ref{
		Site: ec2sim.Site{Account: string(q.Account), Region: q.Region}, ID: aws.ToString(v.VolumeId),
	})
	require.NoError(w.t, err)
	require.Equal(w.t, w.originals[m.Volume].GiB, contents.GiB)
	require.True(w.t, contents.Equal(w.originals[m.Volume]), "%s is not what %s was", aws.ToString(v.VolumeId), m.Volume)
	require.Equal(w.t, m.Type, string(v.VolumeType))
	require.Equal(w.t, m.IOPS, aws.ToInt32(v.Iops))
	require.Equal(w.t, m.Throughput, aws.ToInt32(v.Throughput))
	require.True(w.t, aws.ToBool(v.Encrypted))
	require.Equal(w.t, q.KMSKey, aws.ToString(v.KmsKeyId))
	tags := map[string]string{}
	for _, t := range v.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	require.Equal(w.t, q.ID, tags[iampolicy.TagRestore])
	require.Equal(w.t, q.Tags["Name"], tags["Name"])
}

// nothingLeft checks that nothing is shared and nothing temporary is there.
func (w *world) nothingLeft(q restore.Request) {
	w.t.Helper()
	w.nothingShared()
	// A copy that is deleted while it is pending goes once it is done (Amazon
	// EBS User Guide, "Delete an Amazon EBS snapshot").
	time.Sleep(10 * time.Minute)
	require.Empty(w.t, w.marked(q), "temporary snapshots are left")
	images, err := w.admin(string(q.Account), q.Region).DescribeImages(context.Background(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
	require.NoError(w.t, err)
	require.Empty(w.t, images.Images, "images are left")
}

func (w *world) nothingShared() {
	w.t.Helper()
	for _, s := range w.snapshots(vault) {
		require.Empty(w.t, s.Shares, "%s is shared", s.ID)
		require.False(w.t, s.Public)
	}
}

// marked lists the snapshots that a restore has made and not deleted.
func (w *world) marked(q restore.Request) []string {
	var ids []string
	for _, s := range w.cloud.EC2().Snapshots() {
		if s.Tags[iampolicy.TagRestore] == q.ID {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
