{{- define "video-uploads.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of all names. At most 53 characters, so that a name with "-operator" fits into the 63 of a label. */}}
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

{{- define "video-uploads.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
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

{{/* The components with metrics. */}}
{{- define "video-uploads.scraped" -}}
{{- $scraped := list "api" -}}
{{- range $region := include "video-uploads.operators" . | fromJsonArray -}}
{{- $scraped = append $scraped (include "video-uploads.component" (dict "name" "operator" "region" $region)) -}}
{{- end -}}
[{{ join ", " $scraped }}]
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

{{- define "video-uploads.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The API, its description, and the files of the page: all but probes and metrics. */}}
{{- define "video-uploads.publicPaths" -}}
{{- list "/api" "/webhooks" "/openapi.json" "/docs" "/" "/index.html" "/assets" "/file-store.js" "/icon.svg" "/watch" "/embed" "/oembed" | toJson -}}
{{- end -}}

{{/* Not empty if the URL names the loopback. */}}
{{- define "video-uploads.isLoopback" -}}
{{- regexFind "^https?://(localhost|127[.][0-9.]+|[[]::1[]])([:/]|$)" (toString .) -}}
{{- end -}}

{{/* Fails the installation with a list of all missing values. */}}
{{- define "video-uploads.checkRequired" -}}
{{- $missing := list -}}
{{- $required := dict
  "image.repository" .Values.image.repository
  "credentials.database.existingSecret" .Values.credentials.database.existingSecret
  "credentials.storage.existingSecret" .Values.credentials.storage.existingSecret
  "credentials.callbacks.existingSecret" .Values.credentials.callbacks.existingSecret -}}
{{- range list "S3_ENDPOINT" "S3_REGION" "S3_RAW_BUCKET" "S3_PROCESSED_BUCKET" "S3_PUBLIC_BASE_URL" -}}
{{- $_ := set $required (printf "settings.storage.%s" .) (get $.Values.settings.storage .) -}}
{{- end -}}
{{- range $index, $region := .Values.regions -}}
{{- $at := printf "regions[%d]" $index -}}
{{- $_ := set $required (printf "%s.name" $at) .name -}}
{{- $storage := default dict .storage -}}
{{- range list "S3_ENDPOINT" "S3_REGION" "S3_RAW_BUCKET" "S3_PROCESSED_BUCKET" "S3_PUBLIC_BASE_URL" -}}
{{- $_ := set $required (printf "%s.storage.%s" $at .) (get $storage .) -}}
{{- end -}}
{{- $credentials := default dict .credentials -}}
{{- range ternary (list "storage") (list "storage" "coconut") (eq (toString .operator) "false") -}}
{{- $_ := set $required (printf "%s.credentials.%s.existingSecret" $at .) (default dict (get $credentials .)).existingSecret -}}
{{- end -}}
{{- end -}}
{{- with .Values.settings.api -}}
{{- if $.Values.api.enabled -}}
{{- $_ := set $required "settings.api.JWT_ISSUER" .JWT_ISSUER -}}
{{- $_ := set $required "settings.api.JWT_AUDIENCE" .JWT_AUDIENCE -}}
{{- if not (or .JWT_JWKS_URL .JWT_JWKS_FILE) -}}
{{- $_ := set $required "credentials.tokens.existingSecret (or settings.api.JWT_JWKS_URL)" $.Values.credentials.tokens.existingSecret -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.operator.enabled -}}
{{- $_ := set $required "credentials.coconut.existingSecret" .Values.credentials.coconut.existingSecret -}}
{{- $_ := set $required "settings.operator.COCONUT_URL" .Values.settings.operator.COCONUT_URL -}}
{{- $_ := set $required "settings.operator.WEBHOOK_BASE_URL" .Values.settings.operator.WEBHOOK_BASE_URL -}}
{{- end -}}
{{- if not .Values.credentials.storage.narrowKeys -}}
{{- $url := default .Values.settings.storage.S3_ENDPOINT .Values.settings.storage.S3_PUBLIC_ENDPOINT -}}
{{- if or (and .Values.api.enabled (not (include "video-uploads.isLoopback" $url))) (and .Values.operator.enabled (not (include "video-uploads.isLoopback" .Values.settings.operator.COCONUT_URL))) -}}
{{- $_ := set $required "credentials.storage.narrowKeys (the main key must not sign uploads or go to Coconut)" false -}}
{{- end -}}
{{- end -}}
{{- if .Values.credentials.storage.narrowKeys -}}
{{- /* Found only while a release is installed or upgraded, and only if the Secret was there before. */}}
{{- $secret := lookup "v1" "Secret" (include "video-uploads.namespace" .) .Values.credentials.storage.existingSecret -}}
{{- range $process := list "api" "operator" -}}
{{- if and $secret (get $.Values $process).enabled -}}
{{- range get (get (include "video-uploads.credentialKeys" (dict "root" $ "name" $process) | fromYaml) "storage") "narrow" -}}
{{- $key := default . (get $.Values.credentials.storage.keys .) -}}
{{- $_ := set $required (printf "%s in the Secret of credentials.storage" $key) (hasKey (default dict $secret.data) $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := keys $required | sortAlpha -}}
{{- if not (get $required $name) -}}{{- $missing = append $missing $name -}}{{- end -}}
{{- end -}}
{{- if $missing -}}
{{- fail (printf "\n\nThese values are required, see the README of the chart:\n  %s\n" (join "\n  " $missing)) -}}
{{- end -}}
{{- end -}}

{{/* Where pods may connect to: everywhere but networkPolicy.egressExcept. Pods are listed too, because some networks do not
count them as part of an address block. */}}
{{- define "video-uploads.egressTo" -}}
{{- with .Values.networkPolicy.egressExcept -}}
to:
  - namespaceSelector: {}
  - ipBlock:
      cidr: 0.0.0.0/0
      except:
        {{- toYaml . | nindent 8 }}
  - ipBlock:
      cidr: ::/0
{{- end }}
{{- end }}
