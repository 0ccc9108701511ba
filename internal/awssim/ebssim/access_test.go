package ebssim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func allow(body string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + body + `}]}`
}

func listing(id string) *ebs.ListSnapshotBlocksInput {
	return &ebs.ListSnapshotBlocksInput{SnapshotId: &id}
}

func TestReadingNeedsPermission(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(1, "")
		w.write(vol, "text", 0)
		a, b := w.snapshot(vol), w.snapshot(vol)
		_, err := w.ec2(home).CreateTags(t.Context(), &ec2.CreateTagsInput{
			Resources: []string{a}, Tags: []ec2types.Tag{{Key: aws.String("open"), Value: aws.String("yes")}},
		})
		require.NoError(t, err)
		_, err = w.as(home, "nobody").ListSnapshotBlocks(t.Context(), listing(a))
		refused(t, err, "AccessDeniedException", "", 403)
		require.ErrorContains(t, err, "ebs:ListSnapshotBlocks on resource: arn:aws:ec2:eu-west-1::snapshot/"+a)
		_, err = w.as(home, "nobody").ListSnapshotBlocks(t.Context(), listing("snap-00000000000000001"))
		refused(t, err, "AccessDeniedException", "", 403)

		tagged := w.as(home, "tagged", parse(t, allow(`"Action":"ebs:*","Resource":"arn:aws:ec2:*::snapshot/*",
			"Condition":{"StringEquals":{"aws:ResourceTag/open":"yes"}}`)))
		_, err = tagged.ListSnapshotBlocks(t.Context(), listing(a))
		require.NoError(t, err)
		get(t, tagged, a, 0, w.token(a, 0))
		_, err = tagged.ListSnapshotBlocks(t.Context(), listing(b))
		refused(t, err, "AccessDeniedException", "", 403)
		_, err = tagged.ListChangedBlocks(t.Context(), &ebs.ListChangedBlocksInput{FirstSnapshotId: &b, SecondSnapshotId: &a})
		refused(t, err, "AccessDeniedException", "", 403)
	})
}

func TestStartingNeedsPermission(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		policy := parse(t, `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"ebs:StartSnapshot","Resource":"arn:aws:ec2:eu-west-1::snapshot/*","Condition":{
				"NumericLessThanEquals":{"ebs:VolumeSize":"8"},"StringEquals":{"ebs:Description":"import"},"Null":{"ebs:ParentSnapshot":"true"}}},
			{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:*::snapshot/*","Condition":{
				"StringEquals":{"ec2:CreateAction":"StartSnapshot","aws:RequestTag/k":"v"}}}]}`)
		c := w.as(home, "starter", policy)
		start := func(gib int64, tags ...types.Tag) error {
			_, err := c.StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: &gib, Description: aws.String("import"), Tags: tags})
			return err
		}
		require.NoError(t, start(8))
		require.NoError(t, start(8, types.Tag{Key: aws.String("k"), Value: aws.String("v")}))
		require.ErrorContains(t, start(8, types.Tag{Key: aws.String("k"), Value: aws.String("w")}), "ec2:CreateTags")
		refused(t, start(9), "AccessDeniedException", "", 403)
	})
}

func TestSnapshotsOfOthers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(1, "")
		w.write(vol, "text", 0)
		id := w.snapshot(vol)
		theirs := w.ebs(ec2sim.Site{Account: friend, Region: ireland})
		share := func(in ec2.ModifySnapshotAttributeInput) {
			in.SnapshotId, in.Attribute = &id, ec2types.SnapshotAttributeNameCreateVolumePermission
			_, err := w.ec2(home).ModifySnapshotAttribute(t.Context(), &in)
			require.NoError(t, err)
		}
		_, err := theirs.ListSnapshotBlocks(t.Context(), listing(id))
		refused(t, err, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)
		share(ec2.ModifySnapshotAttributeInput{OperationType: ec2types.OperationTypeAdd, UserIds: []string{friend}})
		_, err = theirs.ListSnapshotBlocks(t.Context(), listing(id))
		require.NoError(t, err)
		get(t, theirs, id, 0, w.token(id, 0))
		w.EBS().SetRules(ebssim.Rules{OwnersOnly: true})
		_, err = theirs.ListSnapshotBlocks(t.Context(), listing(id))
		refused(t, err, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)
		w.EBS().SetRules(ebssim.Rules{})
		_, err = theirs.StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ParentSnapshotId: &id})
		refused(t, err, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)
		upload := w.start(nil).SnapshotId
		_, err = theirs.PutSnapshotBlock(t.Context(), put(*upload, 0, "theirs"))
		refused(t, err, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)

		share(ec2.ModifySnapshotAttributeInput{OperationType: ec2types.OperationTypeAdd, GroupNames: []string{"all"}})
		for _, c := range []*ebs.Client{theirs, w.ebs(home)} {
			_, err = c.ListSnapshotBlocks(t.Context(), listing(id))
			invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
		}
	})
}

func TestArchivedSnapshotsCannotBeRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := w.snapshot(w.volume(1, ""))
		_, err := w.ec2(home).ModifySnapshotTier(t.Context(), &ec2.ModifySnapshotTierInput{SnapshotId: &id, StorageTier: ec2types.TargetStorageTierArchive})
		require.NoError(t, err)
		_, err = w.ebs(home).ListSnapshotBlocks(t.Context(), listing(id))
		require.NoError(t, err, "while it is being archived")
		wait(100 * time.Hour)
		_, err = w.ebs(home).ListSnapshotBlocks(t.Context(), listing(id))
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
	})
}

// key makes a customer key of the account.
func (w *world) key() string {
	w.t.Helper()
	out, err := w.kms().CreateKey(w.t.Context(), &kms.CreateKeyInput{})
	require.NoError(w.t, err)
	return *out.KeyMetadata.Arn
}

func (w *world) kms() *kms.Client { return kms.NewFromConfig(w.config(home, "admin", awssim.Admin())) }

func TestKeysAreNeeded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := w.key()
		vol := w.volume(1, key)
		w.write(vol, "text", 0)
		id := w.snapshot(vol)
		keyless := w.as(home, "keyless", parse(t, allow(`"Action":["ebs:*","ec2:*"],"Resource":"*"`)))
		_, err := keyless.ListSnapshotBlocks(t.Context(), listing(id))
		require.NoError(t, err, "a listing holds no data")
		read := &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: w.token(id, 0)}
		_, err = keyless.GetSnapshotBlock(t.Context(), read)
		refused(t, err, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403)

		const through = `,"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"ec2.eu-west-1.amazonaws.com"}}`
		reader := w.as(home, "reader", parse(t, allow(`"Action":["ebs:*"],"Resource":"*"`)), parse(t, allow(`"Action":"kms:Decrypt"`+through)))
		get(t, reader, id, 0, read.BlockToken)
		start := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), KmsKeyArn: &key}
		_, err = reader.StartSnapshot(t.Context(), start)
		refused(t, err, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403)
		writer := w.as(home, "writer", parse(t, allow(`"Action":["ebs:*","kms:DescribeKey"],"Resource":"*"`)),
			parse(t, allow(`"Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*","kms:ReEncrypt*","kms:CreateGrant"]`+through)))
		out, err := writer.StartSnapshot(t.Context(), start)
		require.NoError(t, err)
		require.Equal(t, key, *out.KmsKeyArn)
		_, err = writer.PutSnapshotBlock(t.Context(), put(*out.SnapshotId, 0, "text"))
		require.NoError(t, err)
		_, err = reader.PutSnapshotBlock(t.Context(), put(*out.SnapshotId, 1, "text"))
		refused(t, err, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403)

		_, err = w.kms().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key})
		require.NoError(t, err)
		_, err = reader.GetSnapshotBlock(t.Context(), read)
		invalid(t, err, types.ValidationExceptionReasonInvalidCustomerKey)
		_, err = writer.StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), KmsKeyArn: &key})
		invalid(t, err, types.ValidationExceptionReasonInvalidCustomerKey)
	})
}

// A key that lets an account in lets it read what is shared with it.
func TestSharedAndEncrypted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := w.key()
		vol := w.volume(1, key)
		w.write(vol, "text", 0)
		id := w.snapshot(vol)
		_, err := w.ec2(home).ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &id, Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: ec2types.OperationTypeAdd, UserIds: []string{friend},
		})
		require.NoError(t, err)
		theirs := w.ebs(ec2sim.Site{Account: friend, Region: ireland})
		token := w.token(id, 0)
		_, err = theirs.GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: token})
		refused(t, err, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403)
		_, err = w.kms().PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: &key, Policy: aws.String(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:root"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + friend + `:root"},"Action":"kms:Decrypt","Resource":"*"}]}`)})
		require.NoError(t, err)
		get(t, theirs, id, 0, token)
	})
}

// The outcomes of the tables of "Encryption outcomes for EBS direct APIs".
func TestEncryptionOutcomes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		mine := w.key()
		plainParent := w.snapshot(w.volume(1, ""))
		secretParent := w.snapshot(w.volume(1, mine))
		ec := w.ec2(home)
		standard, err := ec.GetEbsDefaultKmsKeyId(t.Context(), &ec2.GetEbsDefaultKmsKeyIdInput{})
		require.NoError(t, err)
		const refuse = "refused"
		yes, no := aws.Bool(true), aws.Bool(false)
		for _, tt := range []struct {
			always    bool
			parent    string
			encrypted *bool
			key       string
			want      string
		}{
			{want: ""},
			{encrypted: no, want: ""},
			{encrypted: yes, want: *standard.KmsKeyId},
			{encrypted: yes, key: mine, want: mine},
			{key: mine, want: mine},
			{encrypted: no, key: mine, want: refuse},
			{always: true, want: *standard.KmsKeyId},
			{always: true, encrypted: yes, want: *standard.KmsKeyId},
			{always: true, encrypted: no, want: refuse},
			{always: true, key: mine, want: mine},
			{parent: plainParent, want: ""},
			{parent: plainParent, encrypted: yes, want: refuse},
			{parent: plainParent, key: mine, want: refuse},
			{parent: plainParent, always: true, want: refuse},
			{parent: secretParent, want: mine},
			{parent: secretParent, always: true, want: mine},
			{parent: secretParent, encrypted: yes, want: refuse},
			{parent: secretParent, key: mine, want: refuse},
		} {
			if tt.always {
				_, err = ec.EnableEbsEncryptionByDefault(t.Context(), &ec2.EnableEbsEncryptionByDefaultInput{})
			} else {
				_, err = ec.DisableEbsEncryptionByDefault(t.Context(), &ec2.DisableEbsEncryptionByDefaultInput{})
			}
			require.NoError(t, err)
			in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), Encrypted: tt.encrypted}
			if tt.parent != "" {
				in.ParentSnapshotId = &tt.parent
			}
			if tt.key != "" {
				in.KmsKeyArn = &tt.key
			}
			out, err := w.ebs(home).StartSnapshot(t.Context(), in)
			if tt.want == refuse {
				invalid(t, err, types.ValidationExceptionReasonInvalidParameterValue)
				continue
			}
			require.NoError(t, err, "%+v", tt)
			require.Equal(t, tt.want, aws.ToString(out.KmsKeyArn), "%+v", tt)
			require.Equal(t, tt.want != "", *w.describe(*out.SnapshotId).Encrypted)
		}
	})
}

func TestEC2RestoresWhatAnEncryptedUploadHolds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := w.key()
		id := *w.start(func(in *ebs.StartSnapshotInput) { in.KmsKeyArn = &key }).SnapshotId
		w.put(id, 5, "secret")
		w.complete(id, 1)
		wait(time.Hour)
		require.Equal(t, key, *w.describe(id).KmsKeyId)
		copied, err := w.ec2(home).CopySnapshot(t.Context(), &ec2.CopySnapshotInput{
			SourceRegion: aws.String(ireland), SourceSnapshotId: &id, Encrypted: aws.Bool(true), KmsKeyId: &key,
		})
		require.NoError(t, err)
		wait(time.Hour)
		first, err := w.EC2().FirstDifference(w.ref(id), w.ref(*copied.SnapshotId))
		require.NoError(t, err)
		require.EqualValues(t, -1, first)
		require.Equal(t, ec2types.SnapshotStateCompleted, w.describe(*copied.SnapshotId).State)
	})
}
