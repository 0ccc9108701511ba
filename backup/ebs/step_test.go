package ebs_test

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
)

var (
	key      = "arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	instance = backup.Resource{
		ARN: "arn:aws:ec2:eu-west-1:222222222222:instance/i-1", Kind: ebs.KindInstance, Site: site,
		Members: []backup.Member{{Volume: "vol-1", Root: true}, {Volume: "vol-2"}},
	}
	detached = backup.Resource{
		ARN: "arn:aws:ec2:eu-west-1:222222222222:volume/vol-9", Kind: ebs.KindVolume, Site: site,
		Members: []backup.Member{{Volume: "vol-9"}},
	}
	tags = map[string]string{"snapkeep:vault": "999999999999", "a": "b&c <ü>"}

	snapshotInstance = backup.Step{Kind: backup.StepSnapshot, Resource: instance, Tags: tags, Description: "d"}
	snapshotVolume   = backup.Step{Kind: backup.StepSnapshot, Resource: detached, Tags: tags}
	copyStep         = backup.Step{Kind: backup.StepCopy, Snapshot: "snap-1", SourceRegion: "us-east-1", KMSKey: key, Tags: tags}
	share            = backup.Step{Kind: backup.StepShare, Snapshot: "snap-1", With: "999999999999"}
	revoke           = backup.Step{Kind: backup.StepRevoke, Snapshot: "snap-1", With: "999999999999"}
	remove           = backup.Step{Kind: backup.StepDelete, Snapshot: "snap-1"}
	steps            = []backup.Step{snapshotInstance, snapshotVolume, copyStep, share, revoke, remove}
)

// wireTags are tags as they go over the wire, in the order of the keys.
var wireTags = []string{
	"TagSpecification.1.ResourceType=snapshot",
	"TagSpecification.1.Tag.1.Key=a", "TagSpecification.1.Tag.1.Value=b&c <ü>",
	"TagSpecification.1.Tag.2.Key=snapkeep:vault", "TagSpecification.1.Tag.2.Value=999999999999",
}

func TestSnapshotOfAnInstanceIsOneCall(t *testing.T) {
	client, w := open(t, func(request) answer {
		return ok("CreateSnapshots", `<snapshotSet>
			<item><snapshotId>snap-1</snapshotId><ownerId>222222222222</ownerId><volumeId>vol-1</volumeId><volumeSize>8</volumeSize>
				<state>pending</state><startTime>2026-03-01T02:00:00.000Z</startTime><encrypted>true</encrypted>
				<tagSet><item><key>a</key><value>b</value></item></tagSet></item>
			<item><snapshotId>snap-2</snapshotId><volumeId>vol-2</volumeId></item></snapshotSet>`)
	})
	made, err := client.Do(t.Context(), snapshotInstance)
	require.NoError(t, err)
	require.Len(t, made, 2)
	require.Equal(t, backup.Snapshot{
		ID: "snap-1", Owner: "222222222222", Volume: "vol-1", SizeGiB: 8, State: backup.SnapshotPending,
		Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC), Encrypted: true, Tags: map[string]string{"a": "b"},
	}, made[0])
	form := w.only().form
	has(t, form, append(wireTags, "Action=CreateSnapshots", "InstanceSpecification.InstanceId=i-1", "Description=d")...)
	hasNone(t, form, "InstanceSpecification.Exclude", "CopyTagsFromSource")
}

func TestSnapshotLeavesExcludedVolumesOut(t *testing.T) {
	client, w := open(t, func(request) answer { return ok("CreateSnapshots", "") })
	step := snapshotInstance
	step.Resource.Excluded = []backup.Member{{Volume: "vol-3", Root: true}, {Volume: "vol-4"}, {Volume: "vol-5"}}
	_, err := client.Do(t.Context(), step)
	require.NoError(t, err)
	has(t, w.only().form, "InstanceSpecification.ExcludeBootVolume=true",
		"InstanceSpecification.ExcludeDataVolumeId.1=vol-4", "InstanceSpecification.ExcludeDataVolumeId.2=vol-5")
	hasNone(t, w.only().form, "InstanceSpecification.ExcludeDataVolumeId.3")
}

func TestSnapshotOfADetachedVolume(t *testing.T) {
	client, w := open(t, func(request) answer {
		return ok("CreateSnapshot", `<snapshotId>snap-1</snapshotId><ownerId>222222222222</ownerId><volumeId>vol-9</volumeId>
			<volumeSize>8</volumeSize><status>pending</status><startTime>2026-03-01T02:00:00.000Z</startTime>
			<encrypted>true</encrypted><kmsKeyId>`+key+`</kmsKeyId>`)
	})
	made, err := client.Do(t.Context(), snapshotVolume)
	require.NoError(t, err)
	require.Equal(t, []backup.Snapshot{{
		ID: "snap-1", Owner: "222222222222", Volume: "vol-9", SizeGiB: 8, State: backup.SnapshotPending,
		Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC), Encrypted: true, KMSKey: key,
	}}, made)
	has(t, w.only().form, append(wireTags, "Action=CreateSnapshot", "VolumeId=vol-9")...)
	hasNone(t, w.only().form, "Description")
}

// TestCopiesNeverShareAnInput copies one step into two Regions: the SDK keeps
// a presigned URL it finds in an input, and a second copy would be sent that
// of the first.
func TestCopiesNeverShareAnInput(t *testing.T) {
	client, w := open(t, func(request) answer {
		return ok("CopySnapshot", `<snapshotId>snap-2</snapshotId><tagSet><item><key>a</key><value>b</value></item></tagSet>`)
	})
	other := copyStep
	other.Snapshot, other.SourceRegion = "snap-7", "us-west-2"
	for _, s := range []backup.Step{copyStep, other} {
		made, err := client.Do(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, []backup.Snapshot{{
			ID: "snap-2", Owner: site.Account, State: backup.SnapshotPending, Encrypted: true, KMSKey: key, Tags: map[string]string{"a": "b"},
		}}, made)
	}
	require.Len(t, w.calls, 2)
	for i, s := range []backup.Step{copyStep, other} {
		form := w.calls[i].form
		has(t, form, append(wireTags, "Action=CopySnapshot", "SourceSnapshotId="+s.Snapshot, "SourceRegion="+s.SourceRegion,
			"Encrypted=true", "KmsKeyId="+key)...)
		presigned, err := url.Parse(form.Get("PresignedUrl"))
		require.NoError(t, err)
		require.Contains(t, presigned.Host, s.SourceRegion)
		has(t, presigned.Query(), "SourceSnapshotId="+s.Snapshot, "DestinationRegion=eu-west-1")
	}
}

func TestShareAndRevoke(t *testing.T) {
	for name, test := range map[string]struct {
		step backup.Step
		want string
	}{
		"share":  {share, "CreateVolumePermission.Add.1.UserId"},
		"revoke": {revoke, "CreateVolumePermission.Remove.1.UserId"},
	} {
		t.Run(name, func(t *testing.T) {
			client, w := open(t, func(request) answer { return ok("ModifySnapshotAttribute", "<return>true</return>") })
			made, err := client.Do(t.Context(), test.step)
			require.NoError(t, err)
			require.Empty(t, made)
			has(t, w.only().form, "Action=ModifySnapshotAttribute", "SnapshotId=snap-1", "Attribute=createVolumePermission", test.want+"=999999999999")
			delete(w.only().form, test.want)
			hasNone(t, w.only().form, "CreateVolumePermission")
		})
	}
}

func TestWhatIsGoneIsDeletedAndRevoked(t *testing.T) {
	client, _ := open(t, func(request) answer { return refused(400, "InvalidSnapshot.NotFound", "gone") })
	for _, s := range []backup.Step{remove, revoke} {
		_, err := client.Do(t.Context(), s)
		require.NoError(t, err, s.Kind)
	}
	for _, s := range []backup.Step{share, copyStep, snapshotVolume} {
		_, err := client.Do(t.Context(), s)
		require.ErrorIs(t, err, backup.ErrNotFound, s.Kind)
	}
}

func TestStepsThatMakeNoSenseAreNotSent(t *testing.T) {
	many := snapshotInstance
	for range 41 {
		many.Resource.Excluded = append(many.Resource.Excluded, backup.Member{Volume: "vol-x"})
	}
	empty := snapshotInstance
	empty.Resource.Members = nil
	stranger := snapshotInstance
	stranger.Resource.Kind = "database"
	keyless := copyStep
	keyless.KMSKey = ""
	nobody, everybody := share, revoke
	nobody.With, everybody.With = "", "all"
	client, w := open(t, func(request) answer { return refused(400, "Never", "asked") })
	for _, s := range []backup.Step{many, empty, stranger, keyless, nobody, everybody, {Kind: "explode"}, {}} {
		_, err := client.Do(t.Context(), s)
		require.Error(t, err, "%+v", s)
	}
	require.Empty(t, w.calls)
}

func TestErrorsOfSteps(t *testing.T) {
	creates := []backup.Step{snapshotInstance, snapshotVolume, copyStep}
	reset := answer{err: &url.Error{Op: "Post", URL: "https://ec2", Err: syscall.ECONNRESET}}
	for name, test := range map[string]struct {
		answer answer
		steps  []backup.Step
		want   error // nil: none of the sentinels
		calls  int   // how often each step is sent
	}{
		"denied":                      {refused(403, "UnauthorizedOperation", "no"), steps, backup.ErrDenied, 1},
		"throttled create":            {refused(503, "RequestLimitExceeded", "slow"), creates, backup.ErrThrottled, 1},
		"per volume":                  {refused(400, "SnapshotCreationPerVolumeRateExceeded", "slow"), creates, backup.ErrThrottled, 1},
		"throttled change":            {refused(503, "RequestLimitExceeded", "slow"), []backup.Step{share, revoke, remove}, backup.ErrThrottled, 1},
		"copies in flight":            {refused(400, "ResourceLimitExceeded", "20"), creates, backup.ErrQuota, 1},
		"unsupported":                 {refused(400, "UnsupportedOperation", "no"), steps, backup.ErrUnsupported, 1},
		"refused":                     {refused(400, "InvalidParameterValue", "no"), steps, nil, 1},
		"500 to a create":             {refused(500, "InternalError", "oops"), creates, backup.ErrUnknownOutcome, 1},
		"503 to a create":             {refused(503, "Unavailable", "oops"), creates, backup.ErrUnknownOutcome, 1},
		"a page of HTML to a create":  {answer{status: 502, body: "<html>bad gateway"}, creates, backup.ErrUnknownOutcome, 1},
		"a reset create":              {reset, creates, backup.ErrUnknownOutcome, 1},
		"a cut answer to a create":    {answer{status: 200, body: "<CopySnapshotResponse><snapsh"}, creates, backup.ErrUnknownOutcome, 1},
		"an unfinished create":        {answer{err: io.ErrUnexpectedEOF}, creates, backup.ErrUnknownOutcome, 1},
		"500 to a change":             {refused(500, "InternalError", "oops"), []backup.Step{share, revoke, remove}, nil, 5},
		"a reset change":              {reset, []backup.Step{share, revoke, remove}, nil, 5},
		"a snapshot of a live image":  {refused(400, "InvalidSnapshot.InUse", "ami"), []backup.Step{remove}, nil, 1},
		"a key that cannot be shared": {refused(400, "InvalidParameter", "aws/ebs"), []backup.Step{share}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, s := range test.steps {
					client, w := open(t, func(request) answer { return test.answer })
					made, err := client.Do(t.Context(), s)
					require.Error(t, err, s.Kind)
					require.Empty(t, made, s.Kind)
					require.Len(t, w.calls, test.calls, s.Kind)
					for _, sentinel := range []error{
						backup.ErrDenied, backup.ErrThrottled, backup.ErrQuota,
						backup.ErrUnsupported, backup.ErrUnknownOutcome, backup.ErrNotFound,
					} {
						require.Equal(t, sentinel == test.want, errors.Is(err, sentinel), "%s: %v is %v", s.Kind, err, sentinel)
					}
					if strings.HasPrefix(test.answer.body, "<Response") {
						var api smithy.APIError
						require.ErrorAs(t, err, &api)
					}
				}
			})
		})
	}
}

// TestAnAttemptThatIsNotAnswered has a server that never answers: a create is
// given up after a minute with an open outcome, a change is tried again.
func TestAnAttemptThatIsNotAnswered(t *testing.T) {
	for name, test := range map[string]struct {
		step  backup.Step
		calls int
	}{"create": {copyStep, 1}, "change": {remove, 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				client, w := silent(t)
				_, err := client.Do(t.Context(), test.step)
				require.Error(t, err)
				require.Equal(t, test.calls, w.calls)
				require.Equal(t, test.calls == 1, errors.Is(err, backup.ErrUnknownOutcome), "%v", err)
				require.GreaterOrEqual(t, time.Since(began), time.Duration(test.calls)*time.Minute)
				require.Less(t, time.Since(began), time.Duration(test.calls)*(time.Minute+20*time.Second))
			})
		})
	}
}

func TestACancelledCreateHasAnOpenOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, w := silent(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Do(ctx, copyStep)
		require.ErrorIs(t, err, backup.ErrUnknownOutcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, w.calls)
	})
}

// TestErrorsTellNoSecrets looks for what was sent in the text of errors.
func TestErrorsTellNoSecrets(t *testing.T) {
	secret := copyStep
	secret.Tags = map[string]string{"secret-tag": "secret-value"}
	secret.Description = "secret-description"
	for name, a := range map[string]answer{
		"denied": refused(403, "UnauthorizedOperation",
			"You are not authorized to perform this operation. Encoded authorization failure message: secret-encoded"),
		"broken": {err: &url.Error{Op: "Post", URL: "https://ec2.eu-west-1.amazonaws.com/", Err: syscall.ECONNRESET}},
		"html":   {status: 502, body: "<html>secret-page"},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := open(t, func(request) answer { return a })
			_, err := client.Do(t.Context(), secret)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), "AKIA")
			require.NotContains(t, err.Error(), "Signature")
			require.True(t, strings.HasPrefix(err.Error(), "CopySnapshot of snap-1: "), err.Error())
		})
	}
}

func TestAPINamesTheCall(t *testing.T) {
	d := ebs.New(ebs.Options{})
	for _, s := range steps {
		client, w := open(t, func(r request) answer { return ok(r.action, "") })
		_, err := client.Do(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, w.only().action, d.API(s))
	}
	require.Empty(t, d.API(backup.Step{}))
	require.Equal(t, []string{"instance", "volume"}, d.Kinds())
}
