package stssim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

const (
	vault  = "999999999999"
	target = "111111111111"
	engine = "arn:aws:iam::999999999999:user/engine"
	backup = "arn:aws:iam::111111111111:role/bk/backup"
)

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

// trust allows the actions to an AWS principal under a condition.
func trust(t testing.TB, principal, condition string, actions ...string) *iampolicy.Document {
	t.Helper()
	if len(actions) == 0 {
		actions = []string{"sts:AssumeRole"}
	}
	if condition == "" {
		condition = "{}"
	}
	return parse(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},"Action":["%s"],"Condition":%s}]}`,
		principal, strings.Join(actions, `","`), condition))
}

// merged has the statements of several documents.
func merged(docs ...*iampolicy.Document) *iampolicy.Document {
	out := *docs[0]
	for _, d := range docs[1:] {
		out.Statements = append(out.Statements, d.Statements...)
	}
	return &out
}

func allow(t testing.TB, resource string, actions ...string) *iampolicy.Document {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":%q}]}`,
		strings.Join(actions, `","`), resource))
}

func client(c *awssim.Cloud, p aws.CredentialsProvider) *sts.Client {
	cfg := c.Config(p, "eu-west-1")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return sts.NewFromConfig(cfg)
}

// of makes a provider of what AssumeRole gave.
func of(out *sts.AssumeRoleOutput) aws.CredentialsProvider {
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func input(change func(*sts.AssumeRoleInput)) *sts.AssumeRoleInput {
	in := &sts.AssumeRoleInput{RoleArn: aws.String(backup), RoleSessionName: aws.String("run-1")}
	if change != nil {
		change(in)
	}
	return in
}

func TestTrust(t *testing.T) {
	externalID := `{"StringEquals":{"sts:ExternalId":"secret-1"}}`
	all := []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
	withID := func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("secret-1") }
	withTag := func(in *sts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("job"), Value: aws.String("7")}}
	}
	withSource := func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("vault") }
	tests := []struct {
		name   string
		trust  *iampolicy.Document
		caller *iampolicy.Document // the caller's identity policy; nil means AssumeRole on the role
		scp    *iampolicy.Document // of the caller's account
		in     func(*sts.AssumeRoleInput)
		denied string // action that is refused; empty means none
	}{
		{name: "user named", trust: trust(t, engine, "")},
		{name: "account named", trust: trust(t, "arn:aws:iam::999999999999:root", "")},
		{name: "account named by its id", trust: trust(t, vault, "")},
		{name: "somebody else named", trust: trust(t, "arn:aws:iam::222222222222:root", ""), denied: "sts:AssumeRole"},
		{name: "own account named only", trust: trust(t, "arn:aws:iam::111111111111:root", ""), denied: "sts:AssumeRole"},
		{name: "caller may not ask", trust: trust(t, engine, ""), caller: allow(t, "arn:aws:iam::222222222222:role/*", "sts:AssumeRole"), denied: "sts:AssumeRole"},
		{name: "organization forbids", trust: trust(t, engine, ""), scp: allow(t, "*", "ec2:*"), denied: "sts:AssumeRole"},
		{name: "external id", trust: trust(t, engine, externalID), in: withID},
		{name: "external id missing", trust: trust(t, engine, externalID), denied: "sts:AssumeRole"},
		{
			name: "external id wrong", trust: trust(t, engine, externalID), denied: "sts:AssumeRole",
			in: func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("Secret-1") },
		},
		{name: "session name", trust: trust(t, engine, `{"StringLike":{"sts:RoleSessionName":"run-*"}}`)},
		{name: "other session name", trust: trust(t, engine, `{"StringLike":{"sts:RoleSessionName":"job-*"}}`), denied: "sts:AssumeRole"},
		{name: "tags", trust: trust(t, engine, "", all...), caller: allow(t, "*", all...), in: withTag},
		{name: "tags not trusted", trust: trust(t, engine, ""), caller: allow(t, "*", all...), in: withTag, denied: "sts:TagSession"},
		{name: "tags not allowed", trust: trust(t, engine, "", all...), in: withTag, denied: "sts:TagSession"},
		{
			name: "other tags", trust: trust(t, engine, `{"StringEquals":{"aws:RequestTag/job":"8"}}`, all...), caller: allow(t, "*", all...),
			in: withTag, denied: "sts:AssumeRole",
		},
		{name: "source identity", trust: trust(t, engine, `{"StringEquals":{"sts:SourceIdentity":"vault"}}`, all...), caller: allow(t, "*", all...), in: withSource},
		{name: "source identity not trusted", trust: trust(t, engine, ""), caller: allow(t, "*", all...), in: withSource, denied: "sts:SetSourceIdentity"},
		{name: "no such role", in: func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(backup + "2") }, denied: "sts:AssumeRole"},
		{name: "other path", in: func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::111111111111:role/backup") }, denied: "sts:AssumeRole"},
		{name: "no such account", in: func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::333333333333:role/backup") }, denied: "sts:AssumeRole"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud := awssim.New(awssim.Options{Latency: -1})
			if tt.caller == nil {
				tt.caller = allow(t, backup, "sts:AssumeRole")
			}
			user := cloud.User(vault, "engine", tt.caller)
			cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: tt.trust})
			if tt.scp != nil {
				cloud.SetSCP(vault, []*iampolicy.Document{tt.scp})
			}
			in := input(tt.in)
			out, err := client(cloud, user).AssumeRole(t.Context(), in)
			if tt.denied != "" {
				require.Equal(t, "AccessDenied", code(err))
				require.ErrorContains(t, err, "api error AccessDenied: User: "+engine+" is not authorized to perform: "+tt.denied+" on resource: "+*in.RoleArn)
				return
			}
			require.NoError(t, err)
			who, err := client(cloud, of(out)).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, "arn:aws:sts::111111111111:assumed-role/backup/run-1", *who.Arn)
			require.Equal(t, target, *who.Account)
			require.Equal(t, out.AssumedRoleUser.AssumedRoleId, who.UserId)
			require.Equal(t, out.AssumedRoleUser.Arn, who.Arn)
			require.Equal(t, in.SourceIdentity, out.SourceIdentity)
			require.EqualValues(t, len(*out.Credentials.SessionToken), *out.SessionTokenSize)
		})
	}
}

func TestInSameAccountTrustSuffices(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := cloud.User(target, "op")
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, "arn:aws:iam::111111111111:user/op", "")})
	_, err := client(cloud, user).AssumeRole(t.Context(), input(nil))
	require.NoError(t, err)
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, "arn:aws:iam::111111111111:root", "")})
	_, err = client(cloud, user).AssumeRole(t.Context(), input(nil))
	require.Equal(t, "AccessDenied", code(err), "trust in the account needs its administrator's word too")
}

func TestARoleOfTheSameNameIsNotTrusted(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	admin := cloud.User(vault, "admin", awssim.Admin())
	hop := awssim.Role{Name: "hop", Trust: trust(t, vault, ""), Policies: []*iampolicy.Document{awssim.Admin()}}
	hopARN := cloud.PutRole(vault, hop)
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, hopARN, "")})
	chain := func() error {
		out, err := client(cloud, admin).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.RoleArn = &hopARN }))
		require.NoError(t, err)
		_, err = client(cloud, of(out)).AssumeRole(t.Context(), input(nil))
		return err
	}
	require.NoError(t, chain())
	cloud.DeleteRole(vault, "hop")
	cloud.PutRole(vault, hop)
	require.Equal(t, "AccessDenied", code(chain()))
}

func TestRequestsThatAreNotValid(t *testing.T) {
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	tests := []struct {
		name string
		in   func(*sts.AssumeRoleInput)
		want string // code; empty means that it is valid
	}{
		{name: "role ARN", in: func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::1:role/x") }, want: "ValidationError"},
		{name: "user ARN", in: func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(engine) }, want: "ValidationError"},
		{name: "session name too short", in: func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a") }, want: "ValidationError"},
		{name: "session name too long", in: func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String(strings.Repeat("a", 65)) }, want: "ValidationError"},
		{name: "session name with a colon", in: func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("run:1") }, want: "ValidationError"},
		{name: "longest session name", in: func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String(strings.Repeat("=", 64)) }},
		{name: "external id with a space", in: func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("a b") }, want: "ValidationError"},
		{name: "source identity", in: func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("a/b") }, want: "ValidationError"},
		{name: "too short", in: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(899) }, want: "ValidationError"},
		{name: "shortest", in: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) }},
		{name: "as long as the role gives", in: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) }},
		{name: "longer than the role gives", in: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7201) }, want: "ValidationError"},
		{name: "too long", in: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(43201) }, want: "ValidationError"},
		{name: "tag key twice", in: func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{tag("a", "1"), tag("A", "2")} }, want: "InvalidParameterValue"},
		{name: "tag of AWS", in: func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{tag("aws:x", "1")} }, want: "ValidationError"},
		{name: "tag value too long", in: func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{tag("a", strings.Repeat("x", 257))} }, want: "ValidationError"},
		{name: "too many tags", in: func(in *sts.AssumeRoleInput) { in.Tags = make([]types.Tag, 51); fillTags(in.Tags) }, want: "ValidationError"},
		{name: "transitive but not sent", in: func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"a"} }, want: "InvalidParameterValue"},
		{name: "policy", in: func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)
		}},
		{name: "policy that is no JSON", in: func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{") }, want: "MalformedPolicyDocument"},
		{name: "policy without statements", in: func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{}") }, want: "MalformedPolicyDocument"},
		{name: "policy with a principal", in: func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"*"}]}`)
		}, want: "MalformedPolicyDocument"},
		{name: "policy too long", in: func(in *sts.AssumeRoleInput) {
			text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`
			in.Policy = aws.String(text + strings.Repeat(" ", 2049-len(text)))
		}, want: "ValidationError"},
		{name: "longest policy", in: func(in *sts.AssumeRoleInput) {
			text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`
			in.Policy = aws.String(text + strings.Repeat(" ", 2048-len(text)))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud := awssim.New(awssim.Options{Latency: -1})
			user := cloud.User(vault, "engine", awssim.Admin())
			cloud.PutRole(target, awssim.Role{
				Name: "backup", Path: "/bk/", MaxSession: 2 * time.Hour,
				Trust: trust(t, engine, "", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"),
			})
			_, err := client(cloud, user).AssumeRole(t.Context(), input(tt.in))
			require.Equal(t, tt.want, code(err), "%v", err)
			require.Equal(t, tt.want == "", err == nil, "%v", err)
			require.Empty(t, cloud.Misuse())
		})
	}
}

func fillTags(tags []types.Tag) {
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")}
	}
}

func TestWhatIsNotSimulatedIsMisuse(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	_, err := client(cloud, cloud.User(vault, "engine")).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) {
		in.SerialNumber, in.TokenCode = aws.String("arn:aws:iam::999999999999:mfa/engine"), aws.String("123456")
	}))
	require.Error(t, err)
	require.Equal(t, []string{"sts AssumeRole: TokenCode is not simulated"}, cloud.Misuse())
}

func TestTheRootUserAssumesNothing(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, "*", "")})
	_, err := client(cloud, cloud.Root(target)).AssumeRole(t.Context(), input(nil))
	require.Equal(t, "AccessDenied", code(err))
	require.ErrorContains(t, err, "Roles may not be assumed by root accounts.")
	who, err := client(cloud, cloud.Root(target)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:root", *who.Arn)
}

func TestNobodyIsKeptFromLearningWhoHeIs(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	deny := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	cloud.SetSCP(vault, []*iampolicy.Document{deny})
	who, err := client(cloud, cloud.User(vault, "engine", deny)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, engine, *who.Arn)
	require.Regexp(t, "^AIDA", *who.UserId)
}

// The external id is a key of sts:AssumeRole alone: a trust policy that asks
// for it when tags are passed lets none pass.
func TestAnExternalIDIsNoKeyOfTagSession(t *testing.T) {
	withID := `{"StringEquals":{"sts:ExternalId":"id"}}`
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := client(cloud, cloud.User(vault, "engine", awssim.Admin()))
	tagged := input(func(in *sts.AssumeRoleInput) {
		in.ExternalId, in.Tags = aws.String("id"), []types.Tag{{Key: aws.String("job"), Value: aws.String("7")}}
	})
	for _, tt := range []struct {
		trust *iampolicy.Document
		want  string
	}{
		{trust(t, engine, withID, "sts:AssumeRole", "sts:TagSession"), "AccessDenied"},
		{merged(trust(t, engine, withID), trust(t, engine, "", "sts:TagSession")), ""},
	} {
		cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: tt.trust})
		_, err := user.AssumeRole(t.Context(), tagged)
		require.Equal(t, tt.want, code(err))
	}
}

func TestSessionsOfAChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := awssim.New(awssim.Options{})
		all := []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
		user := cloud.User(vault, "engine", awssim.Admin())
		hop := cloud.PutRole(vault, awssim.Role{
			Name: "hop", Trust: trust(t, engine, "", all...), MaxSession: 12 * time.Hour, Policies: []*iampolicy.Document{awssim.Admin()},
		})
		cloud.PutRole(target, awssim.Role{
			Name: "backup", Path: "/bk/", MaxSession: 12 * time.Hour,
			Trust: trust(t, hop, `{"StringEquals":{"aws:RequestTag/job":"7","sts:SourceIdentity":"vault"}}`, all...),
		})
		start := time.Now()
		first, err := client(cloud, user).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) {
			in.RoleArn, in.DurationSeconds, in.SourceIdentity = &hop, aws.Int32(43200), aws.String("vault")
			in.Tags = []types.Tag{{Key: aws.String("job"), Value: aws.String("7")}, {Key: aws.String("own"), Value: aws.String("x")}}
			in.TransitiveTagKeys = []string{"job"}
		}))
		require.NoError(t, err)
		require.WithinDuration(t, start.Add(12*time.Hour), *first.Credentials.Expiration, time.Second)
		chained := client(cloud, of(first))

		// Transitive tags and the source identity come along unasked.
		second, err := chained.AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("own"), Value: aws.String("y")}}
		}))
		require.Equal(t, "AccessDenied", code(err), "an inherited tag is not a request tag")
		require.Nil(t, second)
		_, err = chained.AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("Job"), Value: aws.String("7")}}
		}))
		require.Equal(t, "InvalidParameterValue", code(err), "an inherited tag cannot be replaced")
		_, err = chained.AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("me") }))
		require.Equal(t, "AccessDenied", code(err), "a source identity cannot be changed")

		cloud.PutRole(target, awssim.Role{
			Name: "backup", Path: "/bk/", MaxSession: 12 * time.Hour,
			Trust: merged(
				trust(t, hop, `{"StringEquals":{"aws:PrincipalTag/job":"7","aws:PrincipalTag/own":"x","sts:SourceIdentity":"vault","aws:SourceIdentity":"vault"}}`,
					"sts:AssumeRole", "sts:SetSourceIdentity"),
				trust(t, hop, "", "sts:TagSession"),
			),
		})
		_, err = chained.AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }))
		require.Equal(t, "ValidationError", code(err), "a chained session lasts an hour at most")
		second, err = chained.AssumeRole(t.Context(), input(nil))
		require.NoError(t, err)
		require.Equal(t, "vault", *second.SourceIdentity)
		require.WithinDuration(t, time.Now().Add(time.Hour), *second.Credentials.Expiration, time.Second)

		last := client(cloud, of(second))
		time.Sleep(time.Hour - 2*time.Second)
		_, err = last.GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		_, err = last.GetCallerIdentity(t.Context(), nil)
		require.Equal(t, "ExpiredToken", code(err))
		_, err = chained.GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err, "the first hop has eleven hours left")
	})
}

func TestASessionPolicyNarrows(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := cloud.User(vault, "engine", awssim.Admin())
	hop := cloud.PutRole(vault, awssim.Role{Name: "hop", Trust: trust(t, engine, ""), Policies: []*iampolicy.Document{awssim.Admin()}})
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, hop, "")})
	narrow := func(policy string) error {
		out, err := client(cloud, user).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.RoleArn, in.Policy = &hop, &policy }))
		require.NoError(t, err)
		_, err = client(cloud, of(out)).AssumeRole(t.Context(), input(nil))
		return err
	}
	require.NoError(t, narrow(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`))
	require.Equal(t, "AccessDenied", code(narrow(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)))
}

func TestWhatHappensToARoleHappensToItsSessions(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := cloud.User(vault, "engine", awssim.Admin())
	role := awssim.Role{Name: "hop", Trust: trust(t, engine, ""), Policies: []*iampolicy.Document{awssim.Admin()}}
	hop := cloud.PutRole(vault, role)
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, vault, "")})
	out, err := client(cloud, user).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.RoleArn = &hop }))
	require.NoError(t, err)
	session := client(cloud, of(out))
	_, err = session.AssumeRole(t.Context(), input(nil))
	require.NoError(t, err)

	role.Policies = nil
	cloud.PutRole(vault, role)
	_, err = session.AssumeRole(t.Context(), input(nil))
	require.Equal(t, "AccessDenied", code(err), "new policies count at once")
	_, err = session.GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)

	cloud.DeleteRole(vault, "hop")
	cloud.PutRole(vault, role)
	_, err = session.GetCallerIdentity(t.Context(), nil)
	require.Equal(t, "InvalidClientTokenId", code(err))
}
