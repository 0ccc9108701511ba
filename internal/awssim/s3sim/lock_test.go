package s3sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

// erase tries to delete a version for good.
func (w *world) erase(c *s3.Client, key, version string, bypass bool) string {
	w.t.Helper()
	in := &s3.DeleteObjectInput{Bucket: aws.String(store), Key: &key, VersionId: &version}
	if bypass {
		in.BypassGovernanceRetention = aws.Bool(true)
	}
	_, err := c.DeleteObject(w.t.Context(), in)
	return code(w.t, err)
}

// keep puts an object with a lock and returns its version.
func (w *world) keep(mode types.ObjectLockMode, d time.Duration) string {
	w.t.Helper()
	out, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(store), Key: aws.String("a"), Body: strings.NewReader("x"), ObjectLockMode: mode, ObjectLockRetainUntilDate: aws.Time(time.Now().Add(d)),
	})
	require.NoError(w.t, err)
	return *out.VersionId
}

func TestRetentionKeepsVersions(t *testing.T) {
	for _, mode := range []types.ObjectLockMode{types.ObjectLockModeGovernance, types.ObjectLockModeCompliance} {
		t.Run(string(mode), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.bucket(store, locked)
				id := w.keep(mode, 30*day)
				_, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
				require.NoError(t, err, "a delete marker is always possible")
				require.Equal(t, "AccessDenied", w.erase(w.s3, "a", id, false))
				weak := w.as(account, "weak", parse(t, allow("s3:DeleteObjectVersion")))
				require.Equal(t, "AccessDenied", w.erase(weak, "a", id, true), "it takes a right of its own")
				if mode == types.ObjectLockModeCompliance {
					require.Equal(t, "AccessDenied", w.erase(w.s3, "a", id, true))
					time.Sleep(30*day - time.Second)
					require.Equal(t, "AccessDenied", w.erase(w.s3, "a", id, true))
					time.Sleep(2 * time.Second)
					require.Empty(t, w.erase(weak, "a", id, false))
					return
				}
				require.Empty(t, w.erase(w.s3, "a", id, true))
			})
		})
	}
}

func TestLegalHold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, locked)
		id := w.put("a", "x")
		_, err := w.s3.GetObjectLegalHold(t.Context(), &s3.GetObjectLegalHoldInput{Bucket: aws.String(store), Key: aws.String("a")})
		require.Equal(t, "NoSuchObjectLockConfiguration", code(t, err))
		hold := func(status types.ObjectLockLegalHoldStatus) {
			_, err := w.s3.PutObjectLegalHold(t.Context(), &s3.PutObjectLegalHoldInput{
				Bucket: aws.String(store), Key: aws.String("a"), VersionId: &id, LegalHold: &types.ObjectLockLegalHold{Status: status},
			})
			require.NoError(t, err)
			got, err := w.s3.GetObjectLegalHold(t.Context(), &s3.GetObjectLegalHoldInput{Bucket: aws.String(store), Key: aws.String("a")})
			require.NoError(t, err)
			require.Equal(t, status, got.LegalHold.Status)
		}
		hold(types.ObjectLockLegalHoldStatusOn)
		require.Equal(t, "AccessDenied", w.erase(w.s3, "a", id, true))
		time.Sleep(1000 * day)
		require.Equal(t, "AccessDenied", w.erase(w.s3, "a", id, true))
		hold(types.ObjectLockLegalHoldStatusOff)
		require.Empty(t, w.erase(w.s3, "a", id, false))
	})
}

func TestChangingRetention(t *testing.T) {
	const governance, compliance = types.ObjectLockModeGovernance, types.ObjectLockModeCompliance
	for _, tt := range []struct {
		name   string
		have   types.ObjectLockMode
		want   types.ObjectLockRetentionMode
		days   int
		bypass bool
		code   string
	}{
		{"governance longer", governance, "GOVERNANCE", 20, false, ""},
		{"governance shorter", governance, "GOVERNANCE", 5, false, "AccessDenied"},
		{"governance shorter, bypassed", governance, "GOVERNANCE", 5, true, ""},
		{"governance removed", governance, "", 0, false, "AccessDenied"},
		{"governance removed, bypassed", governance, "", 0, true, ""},
		{"governance to compliance", governance, "COMPLIANCE", 10, false, ""},
		{"compliance longer", compliance, "COMPLIANCE", 20, false, ""},
		{"compliance shorter", compliance, "COMPLIANCE", 5, true, "AccessDenied"},
		{"compliance to governance", compliance, "GOVERNANCE", 20, true, "AccessDenied"},
		{"compliance removed", compliance, "", 0, true, "AccessDenied"},
		{"into the past", governance, "GOVERNANCE", -1, true, "InvalidArgument"},
		{"no such mode", governance, "FOREVER", 20, true, "MalformedXML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.bucket(store, locked)
				w.keep(tt.have, 10*day)
				in := &s3.PutObjectRetentionInput{
					Bucket: aws.String(store), Key: aws.String("a"), BypassGovernanceRetention: &tt.bypass, Retention: &types.ObjectLockRetention{Mode: tt.want},
				}
				if tt.days != 0 {
					in.Retention.RetainUntilDate = aws.Time(time.Now().Add(time.Duration(tt.days) * day))
				}
				_, err := w.s3.PutObjectRetention(t.Context(), in)
				require.Equal(t, tt.code, code(t, err))
				got, err := w.s3.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: aws.String(store), Key: aws.String("a")})
				switch {
				case tt.code == "" && tt.days == 0:
					require.Equal(t, "NoSuchObjectLockConfiguration", code(t, err))
				case tt.code == "":
					require.Equal(t, tt.want, got.Retention.Mode)
				default:
					require.Equal(t, tt.have, types.ObjectLockMode(got.Retention.Mode))
				}
			})
		})
	}
}

func TestDefaultRetention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, locked)
		set := func(r *types.DefaultRetention) string {
			_, err := w.s3.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
				Bucket: aws.String(store), ObjectLockConfiguration: &types.ObjectLockConfiguration{
					ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: &types.ObjectLockRule{DefaultRetention: r},
				},
			})
			return code(t, err)
		}
		before := w.put("a", "before")
		require.Empty(t, set(&types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Days: aws.Int32(7)}))
		id := w.put("a", "x")
		require.Empty(t, w.erase(w.s3, "a", before, false), "it is for new objects")
		require.Equal(t, "AccessDenied", w.erase(w.s3, "a", id, false))
		head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
		require.NoError(t, err)
		require.Equal(t, types.ObjectLockModeCompliance, head.ObjectLockMode)
		require.WithinDuration(t, time.Now().Add(7*day), *head.ObjectLockRetainUntilDate, time.Second)
		blind, err := w.as(account, "blind", parse(t, allow("s3:GetObject"))).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
		require.NoError(t, err)
		require.Empty(t, blind.ObjectLockMode, "who may not see the lock is not told")
		conf, err := w.s3.GetObjectLockConfiguration(t.Context(), &s3.GetObjectLockConfigurationInput{Bucket: aws.String(store)})
		require.NoError(t, err)
		require.Equal(t, int32(7), *conf.ObjectLockConfiguration.Rule.DefaultRetention.Days)
		require.Equal(t, "MalformedXML", set(&types.DefaultRetention{Mode: "COMPLIANCE", Days: aws.Int32(1), Years: aws.Int32(1)}))
		require.Equal(t, "MalformedXML", set(&types.DefaultRetention{Mode: "COMPLIANCE"}))
		require.Equal(t, "InvalidArgument", set(&types.DefaultRetention{Mode: "COMPLIANCE", Years: aws.Int32(101)}))
		_, err = w.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: aws.String(store), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
		})
		require.Equal(t, "InvalidBucketState", code(t, err))
	})
}

func TestLocksNeedALockingBucket(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, nil)
		put := func(change func(*s3.PutObjectInput)) string {
			in := &s3.PutObjectInput{Bucket: aws.String(store), Key: aws.String("a"), Body: strings.NewReader("x")}
			change(in)
			_, err := w.s3.PutObject(t.Context(), in)
			return code(t, err)
		}
		until := func(d time.Duration) func(*s3.PutObjectInput) {
			return func(in *s3.PutObjectInput) {
				in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, aws.Time(time.Now().Add(d))
			}
		}
		enable := func() string {
			_, err := w.s3.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
				Bucket: aws.String(store), ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled},
			})
			return code(t, err)
		}
		require.Equal(t, "InvalidRequest", put(until(day)))
		_, err := w.s3.GetObjectLockConfiguration(t.Context(), &s3.GetObjectLockConfigurationInput{Bucket: aws.String(store)})
		require.Equal(t, "ObjectLockConfigurationNotFoundError", code(t, err))
		require.Equal(t, "InvalidBucketState", enable(), "not without versioning")
		w.versioning(store, types.BucketVersioningStatusEnabled)
		require.Empty(t, enable())
		require.Empty(t, put(until(day)))
		require.Equal(t, "InvalidArgument", put(until(-day)))
		require.Equal(t, "InvalidArgument", put(func(in *s3.PutObjectInput) { in.ObjectLockMode = types.ObjectLockModeGovernance }))
		// Who may put may not lock for that.
		_, err = w.as(account, "writer", parse(t, allow("s3:PutObject"))).PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(store), Key: aws.String("a"), Body: strings.NewReader("x"), ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn,
		})
		require.Equal(t, "AccessDenied", code(t, err))
		// A policy can demand how long.
		short := w.as(account, "short", parse(t, `{"Effect":"Allow","Action":["s3:PutObject","s3:PutObjectRetention"],"Resource":"*",
			"Condition":{"NumericLessThanEqualsIfExists":{"s3:object-lock-remaining-retention-days":"10"}}}`))
		for days, want := range map[int]string{5: "", 50: "AccessDenied"} {
			in := &s3.PutObjectInput{Bucket: aws.String(store), Key: aws.String("a"), Body: strings.NewReader("x")}
			until(time.Duration(days) * day)(in)
			_, err := short.PutObject(t.Context(), in)
			require.Equal(t, want, code(t, err), days)
		}
	})
}
