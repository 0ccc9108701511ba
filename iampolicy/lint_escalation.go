package iampolicy

import "strings"

// An escalation is a set of actions that together lead to permissions of
// others. They are facts about what AWS's services do with the roles they are
// given.
type escalation struct {
	actions []string
	how     string
}

var escalations = []escalation{
	{[]string{"iam:CreateAccessKey"}, "makes credentials for any user"},
	{[]string{"iam:CreateLoginProfile"}, "gives any user a password"},
	{[]string{"iam:UpdateLoginProfile"}, "changes the password of any user"},
	{[]string{"sts:AssumeRole"}, "becomes any role that trusts the account"},
	{[]string{"ssm:SendCommand"}, "runs code on any machine, with its role"},
	{[]string{"ssm:StartSession"}, "logs in to any machine, with its role"},
	{[]string{"lambda:UpdateFunctionCode"}, "runs code in any function, with its role"},
	{[]string{"cloudformation:UpdateStack"}, "changes any stack, with the role that was passed to it"},
	{[]string{"ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"}, "runs code on any machine at its next start, by user data"},
	{[]string{"iam:PassRole", "ec2:RunInstances"}, "starts a machine with another role"},
	{[]string{"iam:PassRole", "ec2:AssociateIamInstanceProfile"}, "gives a machine another role"},
	{[]string{"iam:PassRole", "ec2:ReplaceIamInstanceProfileAssociation"}, "gives a machine another role"},
	{[]string{"iam:PassRole", "cloudformation:CreateStack"}, "makes a stack with another role"},
	{[]string{"iam:PassRole", "cloudformation:CreateStackSet"}, "makes stacks with another role"},
	{[]string{"iam:PassRole", "ssm:StartAutomationExecution"}, "runs an automation with another role"},
	{[]string{"iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"}, "runs a function with another role"},
	{[]string{"iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"}, "runs a task with another role"},
	{[]string{"iam:PassRole", "glue:CreateJob", "glue:StartJobRun"}, "runs a job with another role"},
	{[]string{"iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"}, "runs a build with another role"},
	{[]string{"iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"}, "runs a notebook with another role"},
	{[]string{"iam:PassRole", "states:CreateStateMachine", "states:StartExecution"}, "runs a state machine with another role"},
	{[]string{"iam:PassRole", "scheduler:CreateSchedule"}, "has a schedule call with another role"},
}

// lintEscalation looks for ways to permissions that the identity does not have.
func (in *inspection) lintEscalation() {
	if !in.kind.grants() {
		return
	}
	for i := range in.statements {
		if in.administers(&in.statements[i]) {
			return
		}
	}
	for _, e := range escalations {
		var last *inspected
		complete := true
		for _, name := range e.actions {
			s := in.grantsWidely(name)
			if complete = s != nil; !complete {
				break
			}
			last = s
		}
		if complete {
			in.find("privilege-escalation", last.actionsAt(), "%s: %s", strings.Join(e.actions, " with "), e.how)
		}
	}
}

// grantsWidely returns the first statement that allows an action on all
// resources of a type, on no condition.
func (in *inspection) grantsWidely(name string) *inspected {
	for i := range in.statements {
		s := &in.statements[i]
		if s.Effect == Allow && in.allows(s, name) && s.wide(knowledge().action(name)) && !s.narrowed() {
			return s
		}
	}
	return nil
}
