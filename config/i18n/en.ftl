# Texts of the pages, in English. Every key here is in pt-BR.ftl too; a test checks it.

skip = Skip to content
other-language = Português
theme-light = Light theme
theme-dark = Dark theme
nav-main = Main
nav-public = Public page
nav-console = Civil-defense console
status-exercise = EXERCISE
status-test = TEST

level-unknown = no data
level-normal = normal
level-observation = observation
level-attention = attention
level-alert = alert
level-maximum = maximum alert

hazard-landslide = Landslides
hazard-flood = Floods
hazard-flash-flood = Flash floods
hazard-waterlogging = Waterlogging
hazard-heavy-rain = Heavy rain

ago-now = now
ago-seconds = { $n } s ago
ago-minutes = { $n } min ago
ago-hours = { $n } h ago
ago-days = { $n } days ago

login-title = Sign in
login-lead = Console of { $town }: for civil-defense staff only.
login-username = User name
login-password = Password
login-enter = Sign in
login-wrong = User name or password do not fit.
login-wait = Too many tries. Wait { $n } s and try again.

error-400 = The request could not be understood
error-400-advice = Check what was sent and try again.
error-401 = You need to sign in
error-401-advice = Sign in with your user name and repeat.
error-403 = Not allowed
error-403-advice = Your role does not allow this, or the page was open for too long. Go back, load it again and repeat.
error-404 = Page not found
error-404-advice = The address does not exist or has moved.
error-409 = Somebody changed this before you
error-409-advice = Go back, load the page again and look at what changed.
error-500 = Something failed here
error-500-advice = The error was recorded. Nothing that was accepted is lost. Try again in a moment.
error-503 = The service is busy
error-503-advice = Try again in some seconds.
error-danger = In danger? Do not wait for the page: call { $contact } or 193.

docs-title = API documentation
docs-lead = Everything the service offers to other systems. The document for machines is at
docs-parameter = Parameter
docs-place = Where
docs-meaning = Meaning
docs-body = Body
docs-answers = Answers
docs-schemas = Formats

now-title = The situation now
nav-now = Now
nav-alerts = Alerts
nav-drafts-waiting = drafts waiting
nav-incidents = Incidents
nav-areas = Areas
nav-stations = Stations
nav-quarantine = Quarantine
nav-outbox = Outbox
sign-out = Sign out
all = All
close = Close
back = Back
show = show
newer = Newer
older = Older
never = never
until = holds until
or = or
since = since

top-all-normal = all areas at level normal
top-gauges = { $fresh } of { $total } sensors reporting
top-newest = newest reading { $ago }
top-offline = no contact with the service
map-label = Map of the areas by level
map-zoom-in = Zoom in
map-zoom-out = Zoom out
map-start = Use the interactive map
legend-title = Levels
legend-gauge = rain in 24 h (mm)
legend-silent = silent station
chart-title = rain of the last 24 h
chart-key = bars: { $min } min · line: total
chart-limit = dashed: limit { $limit } mm
chart-label = Rain of the last 24 hours: { $total } mm in all, up to { $most } mm a bar

needs-title = What needs you
needs-count = { $n ->
    [one] 1 item
   *[other] { $n } items
}
needs-say = { $n ->
    [0] nothing needs you
    [one] 1 item needs you
   *[other] { $n } items need you
}
names-more = { $names } and { $n } more
draft-waiting = draft waiting
review-and-issue = Review and issue
see-why = Why?
rule = rule
blind-title = { $n ->
    [one] Blind area
   *[other] { $n } blind areas
}
blind-text = Too few recent readings. No data is not normal: send somebody to look.
blind-stations = Silent:
blind-act = See the silent stations
calm-title = Nothing needs you now
calm-text = When a level rises, the draft of the alert comes here with its reason. Blind areas and deliveries under way come here too.
bare-title = Begin with the ground
bare-text = There are no risk areas yet. Import stations, areas and residents; the rules judge from the first reading on.
active-title = In force

delivery-of = Alert { $number } · delivery
delivery-title = Delivery
delivery-follow = Follow
delivery-delivered = delivered
delivery-sent = sent
delivery-waiting = on their way
delivery-failed = failed
delivery-none = No resident is subscribed in these areas: nothing to deliver by SMS or e-mail. The alert is on the public page and in the feeds.
delivery-suppressed = { $n } deliberately not sent (opted out, address not verified or repeated).

reason-limit = limit
reason-met = beyond the limit
reason-holding = fell, but not far enough yet
reason-not-met = below the limit
reason-no-data = no data
reason-nothing = no reading
reason-no-station = no station is near enough
reason-silent = { $silent } of { $asked } stations silent
measure-sum = in { $span }
measure-rate = of change per hour, over { $span }
measure-latest = now

station = Station
quantity = Quantity
last-value = Last value
heard = Heard
measured-at = Measured
state = State
device = Device
online = connected
station-fresh = reporting
station-silent = silent
station-feeds = Areas that depend on this station
stations-silent = Silent ({ $n })
stations-quarantined = { $n ->
    [one] 1 message was not understood in the last 24 h.
   *[other] { $n } messages were not understood in the last 24 h.
}
stations-none-silent = Every station is reporting
stations-empty = No station yet
stations-empty-text = Import the network of rain and river gauges from CSV or GeoJSON; each station gets devices with secrets of their own.
quantity-rain = rain
quantity-water-level = water level
quantity-flow = flow
quantity-air-temperature = air temperature
quantity-relative-humidity = relative humidity
quantity-wind-speed = wind
quantity-wind-gust = gust
quantity-soil-moisture = soil moisture
quantity-battery = battery

areas-title = Risk areas
areas-none-here = No area at this level
areas-empty = No risk area yet
areas-empty-text = Import the municipality's risk sectors as GeoJSON, with hazard (COBRADE) and grade (R1 to R4).
area = Area
level = Level
hazard = Hazard
grade = Grade
reason = Reason
area-history = How it came here
area-no-history = The level of this area has not changed yet.

alert = Alert
alerts-drafts = Drafts
alerts-active = In force
alerts-empty = No alert
alerts-empty-text = When an area rises, the rule writes a draft. A person reviews and issues it; what was issued stays here for good.
number = Number
created = Created
expires = Holds until
state-draft = draft
state-discarded = discarded
state-issued = in force
state-superseded = superseded
state-cleared = ended
state-cancelled = cancelled
state-expired = expired
kind-alert = alert
kind-update = update
kind-all-clear = all-clear
kind-cancel = cancellation
status-actual = actual
actor-rule = rule
actor-service = service
actor-policy = automatic policy
action-drafted = draft made
action-edited = texts edited
action-area-joined = area joined
action-area-left = area left
action-issued = issued
action-discarded = discarded
action-cleared = ended
action-cancelled = cancelled
action-superseded = superseded
action-expired = expired
action-raised = level rose

review-title = Review an alert
review-by-rule = Drafted by rule { $rule }, { $at }.
review-by-hand = Drafted by { $who }, { $at }.
review-areas = { $n ->
    [one] 1 area
   *[other] { $n } areas
}
review-map = Map of the alert's area
why-title = Why
saved = Draft saved.
conflict = Somebody (or the rule) changed this draft while you were writing. Below is the version of now; look at it and repeat what still holds.
incomplete = Something is missing still
your-words = What you had written
bad-expiry = expiry: { $value } is no date and time of this time zone
field-sms = SMS text
field-headline = Headline
field-description = Description
field-instruction = What to do (one step a line)
field-expires = Holds until
preview-phone = On the phone
preview-email = See the e-mail
preview-cap = See the CAP 1.2 message
preview-cap-none = The CAP message shows here once nothing is missing.
preview-cap-note = Preview of the saved texts. Number and identifier are fixed only when it is issued.
checks-title = Checks
check-areas = says where: { $n ->
    [one] 1 area
   *[other] { $n } areas
}
check-instruction = says what to do
check-expires = holds until { $at }
check-headline = headline of { $n } letters (up to 140)
check-sms = { $n ->
    [one] SMS in 1 segment
   *[other] SMS in { $n } segments
}
check-reach = reaches { $n } subscriptions
check-unreachable = { $n } residents inside without a verified channel
check-cap = CAP 1.2 complete and valid
sms-units = { $n } characters
sms-segments = { $n ->
    [one] 1 segment
   *[other] { $n } segments
}
sms-forcing = These letters double the price: { $letters }. Write without them to fit GSM 7-bit.
seconds = { $n } s
minutes-seconds = { $m } min { $s } s
bar-title = Reach and cost
bar-residents = residents
bar-time = to send all
bar-cost = expected cost
unsaved = changes not saved yet
save-draft = Save draft
act-issue = Approve and issue
act-end = Approve and end the alert
act-cancel = Approve and cancel the alert
needs-approver = Issuing is for approvers and coordinators.
confirm-text = { $sms } SMS and { $email } e-mails leave now.
confirm-public = The warning appears on the public page and in the CAP feeds.
confirm-final = Once issued, the text never changes; only a new message updates, ends or cancels it.
confirm-do = Issue now
discard = Discard the draft
discard-reason = Why?
discard-do = Discard
issued-by = issued by { $who } at { $at }
draft-all-clear = End (all-clear)
draft-cancel = Cancel
public-page-of = public page
history = History
recipients = Recipients
channel = Channel
channel-sms = SMS
channel-email = e-mail
address = Address
attempts = Tries
at = When
outbox-pending = queued
outbox-sending = sending
outbox-accepted = accepted
outbox-unknown = uncertain
outbox-delivered = delivered
outbox-rejected = rejected
outbox-undelivered = not delivered
outbox-expired = expired
outbox-suppressed = not sent

incident = Incident
incidents-empty = No incident
incidents-empty-text = Issuing an alert opens the incident; its timeline keeps by itself who did what and when.
incident-state-open = open
incident-state-closed = closed
incident-closed-already = This incident is closed already.
incident-close = Close the incident
incident-close-reason = How did it end?
opened = Opened
timeline = Timeline
note-add = Add a note
note-do = Record

outbox-title = Messages that would leave
outbox-lead = Without an operator or mail server configured, messages stay here, as their readers would see them. Nothing left this machine.
outbox-count = { $n ->
    [one] 1 message
   *[other] { $n } messages
}
outbox-empty = Nothing has left yet
outbox-empty-text = Issue an alert and each resident's message comes here within seconds.
quarantine-lead = What arrived and could not be understood. Nothing is lost: the content is kept with the field and the value that were wrong.
quarantine-empty = Nothing in quarantine
quarantine-empty-text = Everything that arrived was understood.
quarantine-field = Field
quarantine-payload = Content

public-title = Civil-defense alerts in { $town }
public-calm = No alert in force
public-calm-text = In heavy rain, watch out: cracks, cracking sounds, leaning trees or poles and muddy water are signs of danger. Get out and call.
public-map = Map
public-map-note = Colours and shapes show the level of each area. Hatched: no data — that does not mean safe.
public-updated = Updated at { $at }.
public-levels = Levels by area
public-no-areas = The risk areas have not been published yet.
public-systems = For other systems
public-systems-text = The alerts in the open standard CAP 1.2, for radios, applications and other towns.
public-phones = Telephones
phone-fire = Fire brigade
feed-title = Alerts in Atom
valid-until = holds until { $at }
issued-at = issued { $at }
danger-call = In danger? Call
where = Where
meaning-maximum = Immediate danger: leave now for a safe place.
meaning-alert = High risk: be ready to leave and follow the instructions.
meaning-attention = Watch the rain and the signs of the ground.
meaning-observation = Rain watched closely.
meaning-unknown = No recent readings. That does not mean safe.
meaning-normal = No sign of risk in the measurements.

moved = The draft changed while you were here (a new area, a level, or another person).
moved-look = See how it stands now
and-more = and { $n } more

## administration
nav-admin = Administration
admin-none = Nothing here belongs to your role.

## audit
act-device-enable = accepted the device again
act-device-rotate = gave the device a new secret
act-device-retire = ended the device's secret before
act-certificate-add = registered a certificate of a device
act-certificate-revoke = revoked a certificate of a device
act-token-rotate = gave the API token a new secret

## accounts

## identity provider

## machines
admin-tokens = API tokens
admin-tokens-text = Programs that act in somebody's name: what they may do, when they were used, how long they last.
admin-devices = Devices
admin-devices-text = What publishes readings: secrets, certificates, last heard.
tokens-lead = A token lets a program act in the name of whoever made it. Give it only what the program needs.
tokens-empty = No tokens
tokens-empty-text = Make a token so that a program can read or send data through the API without your password.
token-fresh = The token { $name }
token-once = Copy it now: it is not stored and will not be shown again.
token-secret = Token
token-old-works = The one before still works until { $at }.
token-owner = Whose
token-name = What for
token-name-label = What it is for
token-begins = Begins with
token-may = What it may do
token-used = Last used
token-ends = Lasts until
token-acts = Actions
token-older = (older)
token-old = before:
token-never = never
token-rotate = New secret
token-grace = Hours for which the one before still works
token-revoke = Revoke
token-revoke-ask = Revoke the token { $name } of { $owner }?
token-revoke-text = The program that uses it is refused from its next request on, and open connections end. This cannot be undone: only a new token helps.
token-new = New token
token-days = Days until it ends
token-scope-help = What asks people for a second factor, and the account itself, are given only when ticked.
token-scope-all = whatever its owner may do
token-make = Make the token
token-state-active = active
token-state-expired = expired
token-state-revoked = revoked
permission-own-account = one's own account
permission-see-console = see the console
permission-see-deliveries = see messages with their addresses
permission-see-residents = see residents
permission-edit-residents = change residents
permission-edit-catalogue = change areas and stations
permission-manage-devices = manage devices
permission-draft-alerts = prepare alerts
permission-issue-alerts = issue alerts
permission-report-field = report from the field
permission-run-incidents = run incidents
permission-manage-staff = manage staff
permission-manage-tokens = manage everybody's tokens
permission-read-audit = read the audit
permission-manage-privacy = answer requests about data
permission-open-vault = open the vault
devices-lead = Each device signs in with a secret or a certificate of its own. A new secret interrupts nothing: the one before works until the new one is used, and a while longer.
devices-empty = No devices
devices-empty-text = Import stations with their devices, or add one here: the secret is shown once.
device-code = Code
device-seen = Last heard
device-secret-used = Secret used
device-secret-current = current
device-secret-previous = the one before
device-secret-none = none yet
device-previous = Secret before
device-previous-waits = works until the new one is used
device-previous-ends = ends { $at }
device-state-online = online
device-state-offline = offline
device-state-revoked = revoked
device-add = Add a device
device-add-do = Make it, with a secret
device-station = Code of the station
device-fresh = The secret of { $name }
device-fresh-use = MQTT: the user is the code, the password is the secret. HTTP: Authorization: Bearer code.secret
device-rotate = New secret
device-rotate-text = The device goes on with the secret it has. From the first use of the new one, the one before works for the time given below.
device-grace = Minutes it still works after the first use of the new one
device-retire = End the secret before now
device-revoke = Revoke
device-revoke-text = The device is disconnected and refused within a second. Its readings stay.
device-revoke-type = To confirm, type { $code }
device-revoke-mismatch = What was typed is not the code of the device.
device-enable = Accept again
device-enable-text = The same secrets and certificates work again. If one of them leaked, change it first.
device-certificates = Certificates
device-certificates-empty = No certificate. Paste one here so that the device signs in over TLS without a secret.
device-certificate-add = Register a certificate
device-certificate-pem = Certificate (PEM)
device-certificate-print = SHA-256 fingerprint
device-certificate-ends = Ends
device-many = More on the next page.

## privacy
outbox-notice = Personal notice
outbox-secret = Holds a personal code or link, which only those who manage accounts see here.
outbox-gone = Expired; the text was erased.

## photographs

## approvals
