package ssmsim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

func TestWhatCannotBeSent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		linux := w.managed(ssmsim.Agent{})
		windows := w.managed(ssmsim.Agent{Platform: types.PlatformTypeWindows})
		bare := w.instance()
		gone := w.managed(ssmsim.Agent{})
		_, err := w.ec2().TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{gone.ID}})
		require.NoError(t, err)
		many := make([]string, 51)
		for i := range many {
			many[i] = fmt.Sprintf("i-%017d", i)
		}
		on := func(ids ...string) ssm.SendCommandInput {
			return ssm.SendCommandInput{DocumentName: aws.String(shell), InstanceIds: ids, Parameters: script("x")}
		}
		with := func(change func(*ssm.SendCommandInput)) ssm.SendCommandInput {
			in := on(linux.ID)
			change(&in)
			return in
		}
		for _, tt := range []struct {
			name string
			in   ssm.SendCommandInput
			want string
		}{
			{"good", on(linux.ID), ""},
			{"unmanaged", on(bare.ID), "InvalidInstanceId"},
			{"unknown", on("i-00000000000000000"), "InvalidInstanceId"},
			{"terminated", on(gone.ID), "InvalidInstanceId"},
			{"one of them unmanaged", on(linux.ID, bare.ID), "InvalidInstanceId"},
			{"another platform", on(windows.ID), "UnsupportedPlatformType"},
			{"twice", on(linux.ID, linux.ID), "DuplicateInstanceId"},
			{"nobody", on(), "ValidationException"},
			{"too many", on(many...), "ValidationException"},
			{"ids and targets", with(func(in *ssm.SendCommandInput) { in.Targets = targets("tag:a", "b") }), "ValidationException"},
			{"six targets", with(func(in *ssm.SendCommandInput) {
				in.InstanceIds, in.Targets = nil, targets("tag:a", "1", "tag:b", "1", "tag:c", "1", "tag:d", "1", "tag:e", "1", "tag:f", "1")
			}), "ValidationException"},
			{"ids as a target", with(func(in *ssm.SendCommandInput) { in.InstanceIds, in.Targets = nil, targets("InstanceIds", linux.ID) }), ""},
			{"no such target", with(func(in *ssm.SendCommandInput) { in.InstanceIds, in.Targets = nil, targets("color", "red") }), "InvalidParameters"},
			{"no such document", with(func(in *ssm.SendCommandInput) { in.DocumentName = aws.String("AWS-Nothing") }), "InvalidDocument"},
			{"no such version", with(func(in *ssm.SendCommandInput) { in.DocumentVersion = aws.String("7") }), "InvalidDocumentVersion"},
			{"without commands", with(func(in *ssm.SendCommandInput) { in.Parameters = nil }), "InvalidParameters"},
			{"with a parameter too many", with(func(in *ssm.SendCommandInput) { in.Parameters["x"] = []string{"1"} }), "InvalidParameters"},
			{"with two values for one", with(func(in *ssm.SendCommandInput) { in.Parameters["workingDirectory"] = []string{"/", "/srv"} }), "InvalidParameters"},
			{"to run too long", with(func(in *ssm.SendCommandInput) { in.Parameters["executionTimeout"] = []string{"172801"} }), "InvalidParameters"},
			{"in too short a time", with(func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(29) }), "ValidationException"},
			{"with a long comment", with(func(in *ssm.SendCommandInput) { in.Comment = aws.String(strings.Repeat("x", 101)) }), "ValidationException"},
			{"none at a time", with(func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("0") }), "ValidationException"},
			{"with odd errors", with(func(in *ssm.SendCommandInput) { in.MaxErrors = aws.String("101%") }), "ValidationException"},
			{"snapshots on Windows", ssm.SendCommandInput{
				DocumentName: aws.String("AWSEC2-VssInstallAndSnapshot"), InstanceIds: []string{windows.ID},
				Parameters: map[string][]string{"ExcludeBootVolume": {"False"}, "tags": {"Key=Name,Value=x"}},
			}, ""},
			{"a flag that is none", ssm.SendCommandInput{
				DocumentName: aws.String("AWSEC2-CreateVssSnapshot"), InstanceIds: []string{windows.ID},
				Parameters: map[string][]string{"ExcludeBootVolume": {"maybe"}},
			}, "InvalidParameters"},
		} {
			_, err := w.ssm.SendCommand(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
	})
}

func TestTargetsByTag(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		db := w.managed(ssmsim.Agent{}, "group", "db", "env", "prod")
		web := w.managed(ssmsim.Agent{Platform: types.PlatformTypeWindows}, "group", "web", "env", "prod")
		w.managed(ssmsim.Agent{}, "group", "db", "env", "test")
		w.instance("group", "db", "env", "prod") // not managed
		for name, tt := range map[string]struct {
			targets []types.Target
			want    []string
			all     string
		}{
			"one":    {targets("tag:group", "db", "tag:env", "prod"), []string{db.ID + " Success"}, "Success/Success"},
			"either": {targets("tag:group", "db,web", "tag:env", "prod"), []string{db.ID + " Success", web.ID + " InvalidPlatform"}, "Failed/Failed"},
			"key":    {targets("tag-key", "env", "tag:group", "web"), []string{web.ID + " InvalidPlatform"}, "Failed/Failed"},
			// A success in which nothing was done.
			"none": {targets("tag:group", "cache"), nil, "Success/NoInstancesInTag"},
		} {
			id := w.sendInput(&ssm.SendCommandInput{DocumentName: aws.String(shell), Parameters: script("x"), Targets: tt.targets})
			time.Sleep(time.Minute)
			list, err := w.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id})
			require.NoError(t, err)
			var got []string
			for _, v := range list.CommandInvocations {
				got = append(got, *v.InstanceId+" "+*v.StatusDetails)
			}
			require.Equal(t, tt.want, got, name)
			require.Equal(t, tt.all, w.command(id))
		}
	})
}

// Documents and instances are judged one by one, instances by their tags.
func TestSendCommandIsAuthorized(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		mine := w.managed(ssmsim.Agent{}, "backup", "yes")
		notMine := w.managed(ssmsim.Agent{}, "backup", "no")
		document := `{"Effect":"Allow","Action":"ssm:SendCommand","Resource":"arn:aws:ssm:*:*:document/AWS-RunShellScript"}`
		tagged := `{"Effect":"Allow","Action":"ssm:SendCommand","Resource":"arn:aws:ec2:*:111111111111:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/backup":"yes"}}}`
		for name, tt := range map[string]struct {
			statements []string
			in         ssm.SendCommandInput
			want       string
		}{
			"tagged":                {[]string{document, tagged}, ssm.SendCommandInput{InstanceIds: []string{mine.ID}}, ""},
			"not tagged":            {[]string{document, tagged}, ssm.SendCommandInput{InstanceIds: []string{notMine.ID}}, "AccessDeniedException"},
			"one of them":           {[]string{document, tagged}, ssm.SendCommandInput{InstanceIds: []string{mine.ID, notMine.ID}}, "AccessDeniedException"},
			"by tag":                {[]string{document, tagged}, ssm.SendCommandInput{Targets: targets("tag:backup", "yes")}, ""},
			"by another tag":        {[]string{document, tagged}, ssm.SendCommandInput{Targets: targets("tag:backup", "no")}, "AccessDeniedException"},
			"document not allowed":  {[]string{tagged}, ssm.SendCommandInput{InstanceIds: []string{mine.ID}}, "AccessDeniedException"},
			"instances not allowed": {[]string{document}, ssm.SendCommandInput{InstanceIds: []string{mine.ID}}, "AccessDeniedException"},
		} {
			tt.in.DocumentName, tt.in.Parameters = aws.String(shell), script("x")
			_, err := w.as(account, "bob", policy(t, tt.statements...)).SendCommand(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), name)
		}
		_, err := w.as(other, "eve", policy(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)).SendCommand(t.Context(), &ssm.SendCommandInput{
			DocumentName: aws.String(shell), Parameters: script("x"), InstanceIds: []string{mine.ID},
		})
		require.Equal(t, "InvalidInstanceId", code(t, err), "an instance of another account is not there")
	})
}

func TestManagedInstances(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		linux := w.managed(ssmsim.Agent{}, "group", "db")
		windows := w.managed(ssmsim.Agent{Platform: types.PlatformTypeWindows})
		w.instance()
		list := func(filters ...types.InstanceInformationStringFilter) (ids []string) {
			out, err := w.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{Filters: filters})
			require.NoError(t, err)
			for _, i := range out.InstanceInformationList {
				ids = append(ids, *i.InstanceId)
			}
			return ids
		}
		filter := func(key string, values ...string) types.InstanceInformationStringFilter {
			return types.InstanceInformationStringFilter{Key: &key, Values: values}
		}
		require.Equal(t, []string{linux.ID, windows.ID}, list())
		require.Equal(t, []string{windows.ID}, list(filter("PlatformTypes", "Windows")))
		require.Equal(t, []string{linux.ID}, list(filter("tag:group", "db", "web")))
		require.Equal(t, []string{linux.ID}, list(filter("InstanceIds", linux.ID)))
		require.Equal(t, []string{linux.ID, windows.ID}, list(filter("PingStatus", "Online")))
		old, err := w.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{
			InstanceInformationFilterList: []types.InstanceInformationFilter{{Key: types.InstanceInformationFilterKeyPlatformTypes, ValueSet: []string{"Linux"}}},
		})
		require.NoError(t, err)
		require.Len(t, old.InstanceInformationList, 1)

		require.NoError(t, w.SSM().SetAgent(linux, ssmsim.Agent{Offline: true}))
		_, err = w.ec2().StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{windows.ID}})
		require.NoError(t, err)
		require.Len(t, list(filter("PingStatus", "Online")), 2, "not noticed yet")
		time.Sleep(6 * time.Minute)
		require.Len(t, list(filter("PingStatus", "ConnectionLost")), 2)
		w.SSM().RemoveAgent(linux)
		require.Equal(t, []string{windows.ID}, list())
		_, err = w.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{MaxResults: aws.Int32(4)})
		require.Equal(t, "ValidationException", code(t, err))
		_, err = w.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{
			Filters: []types.InstanceInformationStringFilter{filter("Color", "red")},
		})
		require.Equal(t, "InvalidFilterKey", code(t, err))
	})
}

func TestDocumentsAndParameters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		d, err := w.ssm.DescribeDocument(ctx, &ssm.DescribeDocumentInput{Name: aws.String("AWSEC2-CreateVssSnapshot")})
		require.NoError(t, err)
		require.Equal(t, []types.PlatformType{types.PlatformTypeWindows}, d.Document.PlatformTypes)
		g, err := w.ssm.GetDocument(ctx, &ssm.GetDocumentInput{Name: aws.String("arn:aws:ssm:eu-west-1::document/AWS-RunShellScript")})
		require.NoError(t, err)
		require.Contains(t, *g.Content, "aws:runShellScript")
		_, err = w.ssm.GetDocument(ctx, &ssm.GetDocumentInput{Name: aws.String("mine")})
		require.Equal(t, "InvalidDocument", code(t, err))

		const name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
		p, err := w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name)})
		require.NoError(t, err)
		images, err := w.ec2().DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{*p.Parameter.Value}})
		require.NoError(t, err)
		require.Len(t, images.Images, 1)
		some, err := w.ssm.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{name, "mine"}})
		require.NoError(t, err)
		require.Len(t, some.Parameters, 1)
		require.Equal(t, []string{"mine"}, some.InvalidParameters)
		path, err := w.ssm.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String("/aws/service"), Recursive: aws.Bool(true)})
		require.NoError(t, err)
		require.Len(t, path.Parameters, 2)
		_, err = w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("mine")})
		require.Equal(t, "ParameterNotFound", code(t, err))
	})
}
