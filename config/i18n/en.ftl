# Texts of the pages, in English. Every key here is in pt-BR.ftl too; a test checks it.

skip = Skip to content
other-language = Português
theme-light = Light theme
theme-dark = Dark theme
nav-main = Main
nav-public = Public page
nav-console = Civil-defense console
status-exercise = EXERCISE.
status-test = TEST.

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
