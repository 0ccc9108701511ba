package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// A scene is what one case acts in.
type scene struct {
	ctx    context.Context // of the one Run
	target Target
	actors map[string]aws.Config // by account
}

// An actor makes calls as the administrator of an account, in one Region.
type actor struct{ cfg aws.Config }

func (a actor) ec2() *ec2.Client            { return ec2.NewFromConfig(a.cfg) }
func (a actor) sts() *sts.Client            { return sts.NewFromConfig(a.cfg) }
func (a actor) iam() *iam.Client            { return iam.NewFromConfig(a.cfg) }
func (a actor) kms() *kms.Client            { return kms.NewFromConfig(a.cfg) }
func (a actor) ebs() *ebs.Client            { return ebs.NewFromConfig(a.cfg) }
func (a actor) ssm() *ssm.Client            { return ssm.NewFromConfig(a.cfg) }
func (a actor) orgs() *organizations.Client { return organizations.NewFromConfig(a.cfg) }

// in is the same actor in another Region.
func (a actor) in(region string) actor {
	cfg := a.cfg.Copy()
	cfg.Region = region
	return actor{cfg}
}

func (s *scene) vault() actor { return s.as(Vault) }
func (s *scene) owner() actor { return s.as(Owner) }
func (s *scene) other() actor { return s.as(Other) }

// as returns the administrator of an account.
func (s *scene) as(account string) actor {
	cfg, ok := s.actors[account]
	if !ok {
		cfg = s.target.Config.Copy()
		cfg.Region = virginia
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		if account != Vault {
			// A case may go on for longer than a session does.
			cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(s.vault().sts(), roleARN(account, "Bootstrap")))
		}
		s.actors[account] = cfg
	}
	return actor{cfg}
}

func session(out *sts.AssumeRoleOutput) aws.CredentialsProvider {
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken))
}

func roleARN(account, name string) string { return "arn:aws:iam::" + account + ":role/" + name }

// must is for calls that have to work before there is anything to judge.
func must[T any](v T, err error) func(*scene) T {
	return func(s *scene) T {
		s.works(err)
		return v
	}
}

// works ends the case unless there is no error.
func (s *scene) works(err error) {
	switch {
	case err == nil:
	case absent(err):
		panic(verdict{Absent, code(err)})
	default:
		panic(verdict{Deviates, "refused with " + code(err)})
	}
}

// refused ends the case unless the error is one of the codes.
func (s *scene) refused(err error, codes ...string) {
	if err == nil {
		panic(verdict{Deviates, "accepted, where AWS answers " + strings.Join(codes, " or ")})
	}
	got := code(err)
	for _, c := range codes {
		if got == c {
			return
		}
	}
	if absent(err) {
		panic(verdict{Absent, got})
	}
	panic(verdict{Deviates, "refused with " + got + ", where AWS answers " + strings.Join(codes, " or ")})
}

// check ends the case unless ok, and says what is the case instead.
func (s *scene) check(ok bool, format string, args ...any) {
	if !ok {
		panic(verdict{Deviates, fmt.Sprintf(format, args...)})
	}
}

// until waits for something that takes time, and looks less often the longer
// it takes.
func (s *scene) until(what string, done func() bool) {
	deadline, wait := time.Now().Add(s.target.Patience), s.target.Poll
	for !done() {
		s.check(time.Now().Before(deadline), "never %s", what)
		time.Sleep(wait)
		wait = min(wait*3/2, 10*time.Minute)
	}
}

// code is the error code that AWS's clients branch on, or what there is in
// place of one. Messages name ids, which are others in each run.
func code(err error) string {
	var (
		api    smithy.APIError
		answer *awshttp.ResponseError
	)
	switch {
	case errors.As(err, &api) && api.ErrorCode() != "":
		return api.ErrorCode()
	case errors.As(err, &answer):
		return fmt.Sprintf("an answer with status %d that the client does not understand", answer.HTTPStatusCode())
	}
	return "an error of the client: " + strings.ReplaceAll(err.Error(), "\n", " ")
}

// absent says that an error means that the target lacks the operation.
func absent(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "InvalidAction", "UnknownOperationException", "NotImplemented", "UnknownAction":
			return true
		}
	}
	var answer *awshttp.ResponseError
	return errors.As(err, &answer) && (answer.HTTPStatusCode() >= http.StatusInternalServerError || answer.HTTPStatusCode() == http.StatusNotFound && api == nil)
}
