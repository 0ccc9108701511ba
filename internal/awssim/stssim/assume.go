package stssim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Durations of sessions, in seconds.
// Source: STS API Reference, AssumeRole.
const (
	minDuration     = 900
	maxDuration     = 43200
	defaultDuration = time.Hour
	maxChained      = time.Hour
)

// A request is an AssumeRole whose members were looked at.
type request struct {
	roleARN    string
	name       string
	externalID string
	duration   time.Duration
	// bounds holds the tags that were sent, and sentTransitive their transitive
	// keys; the others include what the calling session passes on.
	bounds         bounds
	tags           map[string]string
	sentTransitive []string
	transitive     []string
	// source identity, sent or inherited.
	source string
}

// AssumeRole opens a session of a role. Whoever may not open it learns
// nothing from the answer, not even whether there is such a role.
func (s *Service) AssumeRole(c *core.Call, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	q, err := read(c, in)
	if err != nil {
		return nil, err
	}
	role := c.Cloud.Role(q.roleARN)
	needs := q.needs(c, role)
	if c.Caller.IsRoot() {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	if role == nil || !reachable(c, role) {
		return nil, c.Denied(needs[0])
	}
	// Whether AWS looks at the name or for the role first is not documented.
	if err := name.check("roleSessionName", in.RoleSessionName); err != nil {
		return nil, err
	}
	if err := c.Authorize(needs...); err != nil {
		return nil, err
	}
	if err := activeFor(c, role.Account); err != nil {
		return nil, err
	}
	if err := q.checkDuration(c, role); err != nil {
		return nil, err
	}
	return q.open(c, role)
}

// open opens the session.
func (q *request) open(c *core.Call, role *core.Role) (*sts.AssumeRoleOutput, error) {
	if err := q.bounds.checkManaged(c, role.Account); err != nil {
		return nil, err
	}
	packed, err := q.bounds.pack(q.tags)
	if err != nil {
		return nil, err
	}
	session := &core.Session{
		Role: role, Name: q.name, Policy: q.bounds.policy, Managed: q.bounds.arns, Tags: q.tags, Transitive: q.transitive,
		SourceIdentity: q.source, Issued: c.Now, Expires: c.Now.Add(q.duration).Truncate(time.Second),
		DefaultRegions: c.ToGlobalSTS() && !role.Account.TokensEverywhere, TokenSize: q.bounds.tokenSize(packed),
	}
	cred, caller := c.Cloud.NewSession(session)
	out := &sts.AssumeRoleOutput{
		AssumedRoleUser:         &types.AssumedRoleUser{Arn: aws.String(caller.ARN), AssumedRoleId: aws.String(caller.UserID)},
		Credentials:             credentials(cred, session.Expires),
		SessionTokenSize:        aws.Int32(int32(len(cred.Token))),
		SessionTokenUtilization: aws.Int32(percent(len(cred.Token), maxToken)),
	}
	if packed > 0 {
		//lint:ignore SA1019 clients still read it
		out.PackedPolicySize = aws.Int32(percent(packed, maxPacked))
	}
	if q.source != "" {
		out.SourceIdentity = aws.String(q.source)
	}
	return out, nil
}

// credentials as STS tells them.
func credentials(c core.Credentials, until time.Time) *types.Credentials {
	return &types.Credentials{
		AccessKeyId: aws.String(c.ID), SecretAccessKey: aws.String(c.Secret), SessionToken: aws.String(c.Token), Expiration: aws.Time(until),
	}
}

func denied(message string) error {
	return &core.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: message}
}

// reachable says that the role is in the caller's partition and in an account
// that is active. If not, the answer is that of a role which does not exist.
func reachable(c *core.Call, role *core.Role) bool {
	return role.Account.Partition == c.Account.Partition && role.Account.State == core.Active
}

// activeFor returns the error of an account whose credentials STS does not
// give in this Region. It comes last: a stranger learns nothing from it.
// Sources: STS API Reference, AssumeRole, RegionDisabledException; the message
// is quoted by many (Snowflake documentation, "Troubleshooting external volumes").
func activeFor(c *core.Call, account *core.Account) error {
	if account.GivesCredentials(c.Region) {
		return nil
	}
	return &core.Error{
		Code: "RegionDisabledException", Status: http.StatusForbidden,
		Message: "STS is not activated in this region for account:" + account.ID +
			". Your account administrator can activate STS in this region using the IAM Console.",
	}
}

// needs of the call. Tags and a source identity are permissions of their own,
// which the trust policy must give as well.
//
// Each action has only the condition keys that the Service Authorization
// Reference lists for it: the external id is AssumeRole's alone. A trust policy
// that lets sts:TagSession pass under a condition on the external id lets it
// never pass here. AWS's own example of such a policy has a statement for each
// action (IAM User Guide, "Pass session tags in AWS STS"); what AWS does with
// one statement for both is not documented, so this is the stricter reading.
//
// Sources: that page; "Monitor and control actions taken with assumed roles";
// Service Authorization Reference, "Actions, resources, and condition keys for
// AWS Security Token Service".
func (q *request) needs(c *core.Call, role *core.Role) []core.Need {
	assume := core.Need{Action: "sts:AssumeRole", Resource: q.roleARN, Keys: core.Keys("sts:RoleSessionName", q.name)}
	tag := core.Need{Action: "sts:TagSession", Resource: q.roleARN, Keys: map[string][]string{}}
	source := core.Need{Action: "sts:SetSourceIdentity", Resource: q.roleARN, Keys: core.Keys("sts:SourceIdentity", q.source)}
	if q.externalID != "" {
		assume.Keys["sts:ExternalId"] = []string{q.externalID}
	}
	if q.source != "" {
		assume.Keys["sts:SourceIdentity"] = []string{q.source}
	}
	for _, n := range []*core.Need{&assume, &tag} {
		core.WithRequestTags(n.Keys, q.bounds.tags)
		if len(q.sentTransitive) > 0 {
			n.Keys["sts:TransitiveTagKeys"] = q.sentTransitive
		}
	}
	needs := []core.Need{assume}
	if len(q.tags) > 0 {
		needs = append(needs, tag)
	}
	if q.source != "" {
		needs = append(needs, source)
	}
	for i := range needs {
		if role != nil {
			needs[i].Owner, needs[i].Policy = role.Account.ID, c.TrustOf(role)
			core.WithResourceTags(needs[i].Keys, "iam", role.Tags)
		}
	}
	return needs
}

// checkDuration holds what depends on the role and on the caller. An instance
// that assumes a role with the credentials of its own does not chain.
// Source: IAM User Guide, "Roles terms and concepts", "Role chaining".
func (q *request) checkDuration(c *core.Call, role *core.Role) error {
	if s := c.Caller.Session; s != nil && !s.OfInstance && q.duration > maxChained {
		return core.Errorf("ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if q.duration > role.MaxSession {
		return core.Errorf("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}

// inherit adds what the calling session passes on: transitive tags, and the
// source identity, neither of which the caller can change.
func (q *request) inherit(c *core.Call) error {
	q.tags, q.transitive = maps.Clone(q.bounds.tags), slices.Clone(q.sentTransitive)
	s := c.Caller.Session
	if s == nil {
		return nil
	}
	for _, k := range s.Transitive {
		for sent := range q.bounds.tags {
			if strings.EqualFold(sent, k) {
				return core.Errorf("InvalidParameterValue",
					"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
			}
		}
		q.tags[k] = s.Tags[k]
		q.transitive = append(q.transitive, k)
	}
	slices.Sort(q.transitive)
	if s.SourceIdentity != "" {
		if q.source != "" && q.source != s.SourceIdentity {
			return denied("The source identity of the calling session cannot be changed.")
		}
		q.source = s.SourceIdentity
	}
	return nil
}
