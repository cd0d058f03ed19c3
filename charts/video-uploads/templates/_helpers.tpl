{{- define "video-uploads.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of all names. 53 characters, so that "-operator" fits into the 63 of a label. */}}
{{- define "video-uploads.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "video-uploads.apiServiceAccount" -}}
{{- default (printf "%s-api" (include "video-uploads.fullname" .)) .Values.serviceAccounts.api.name -}}
{{- end -}}

{{- define "video-uploads.operatorServiceAccount" -}}
{{- default (printf "%s-operator" (include "video-uploads.fullname" .)) .Values.serviceAccounts.operator.name -}}
{{- end -}}

{{/* The operator's leader holds the Lease of this name. */}}
{{- define "video-uploads.lease" -}}
{{- printf "%s-operator" (include "video-uploads.fullname" .) -}}
{{- end -}}

{{- define "video-uploads.selectorLabels" -}}
app.kubernetes.io/name: {{ include "video-uploads.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "video-uploads.labels" -}}
{{ include "video-uploads.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: video-uploads
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
