# Textos das páginas, em português do Brasil. Cada chave daqui existe também em en.ftl; um teste confere.

skip = Ir para o conteúdo
other-language = English
theme-light = Tema claro
theme-dark = Tema escuro
nav-main = Principal
nav-public = Página pública
nav-console = Painel da Defesa Civil
status-exercise = EXERCÍCIO
status-test = TESTE

level-unknown = sem dados
level-normal = normal
level-observation = observação
level-attention = atenção
level-alert = alerta
level-maximum = alerta máximo

hazard-landslide = Deslizamentos
hazard-flood = Inundações
hazard-flash-flood = Enxurradas
hazard-waterlogging = Alagamentos
hazard-heavy-rain = Chuvas intensas

ago-now = agora
ago-seconds = há { $n } s
ago-minutes = há { $n } min
ago-hours = há { $n } h
ago-days = há { $n } dias

login-title = Entrar
login-lead = Painel de { $town }: só para a equipe da Defesa Civil.
login-username = Usuário
login-password = Senha
login-enter = Entrar
login-wrong = Usuário ou senha não conferem.
login-wait = Muitas tentativas. Espere { $n } s e tente de novo.

error-400 = O pedido não pôde ser entendido
error-400-advice = Confira o que foi enviado e tente de novo.
error-401 = É preciso entrar
error-401-advice = Entre com seu usuário e repita.
error-403 = Sem permissão
error-403-advice = Seu papel não permite isto, ou a página ficou aberta tempo demais. Volte, carregue de novo e repita.
error-404 = Página não encontrada
error-404-advice = O endereço não existe ou mudou.
error-409 = Alguém mudou isto antes
error-409-advice = Volte, carregue a página de novo e confira o que mudou.
error-500 = Algo falhou aqui
error-500-advice = O erro foi registrado. Nada do que já estava aceito se perdeu. Tente de novo em instantes.
error-503 = O serviço está ocupado
error-503-advice = Tente de novo em alguns segundos.
error-danger = Em perigo? Não espere a página: ligue { $contact } ou 193.

docs-title = Documentação da API
docs-lead = Tudo o que o serviço oferece a outros sistemas. O documento para máquinas fica em
docs-parameter = Parâmetro
docs-place = Onde
docs-meaning = O que é
docs-body = Corpo
docs-answers = Respostas
docs-schemas = Formatos

now-title = Situação agora
nav-now = Agora
nav-alerts = Alertas
nav-drafts-waiting = rascunhos à espera
nav-incidents = Ocorrências
nav-areas = Áreas
nav-stations = Estações
nav-quarantine = Quarentena
nav-outbox = Saída
sign-out = Sair
all = Tudo
close = Fechar
back = Voltar
show = mostrar
newer = Mais novos
older = Mais antigos
never = nunca
until = vale até
or = ou
since = desde

top-all-normal = todas as áreas em nível normal
top-gauges = { $fresh } de { $total } sensores com sinal
top-newest = leitura mais nova { $ago }
top-offline = sem contato com o serviço
map-label = Mapa das áreas por nível
map-zoom-in = Aproximar
map-zoom-out = Afastar
map-start = Usar mapa interativo
legend-title = Níveis
legend-gauge = chuva em 24 h (mm)
legend-silent = estação sem sinal
chart-title = chuva das últimas 24 h
chart-key = barras: { $min } min · linha: acumulado
chart-limit = tracejado: limite { $limit } mm
chart-label = Chuva das últimas 24 horas: { $total } mm no total, até { $most } mm por barra

needs-title = O que precisa de você
needs-count = { $n ->
    [one] 1 item
   *[other] { $n } itens
}
needs-say = { $n ->
    [0] nada precisa de você
    [one] 1 item precisa de você
   *[other] { $n } itens precisam de você
}
names-more = { $names } e mais { $n }
draft-waiting = rascunho à espera
review-and-issue = Revisar e emitir
see-why = Por quê?
rule = regra
blind-title = { $n ->
    [one] Área cega
   *[other] { $n } áreas cegas
}
blind-text = Sem leituras recentes que bastem. Sem dados não é normal: mande alguém olhar.
blind-stations = Sem sinal:
blind-act = Ver estações sem sinal
calm-title = Nada precisa de você agora
calm-text = Quando um nível subir, o rascunho do alerta aparece aqui com o motivo. Também aparecem aqui áreas cegas e entregas em andamento.
bare-title = Comece pelo terreno
bare-text = Ainda não há áreas de risco. Importe estações, áreas e moradores; as regras passam a julgar com a primeira leitura.
active-title = Em vigor

delivery-of = Alerta { $number } · entrega
delivery-title = Entrega
delivery-follow = Acompanhar
delivery-delivered = entregues
delivery-sent = enviadas
delivery-waiting = a caminho
delivery-failed = falharam
delivery-none = Nenhum morador inscrito nestas áreas: nada a entregar por SMS ou e-mail. O alerta está na página pública e nos feeds.
delivery-suppressed = { $n } não enviadas de propósito (saiu da lista, endereço não confirmado ou repetido).

reason-limit = limite
reason-met = passou do limite
reason-holding = caiu, mas ainda não o bastante
reason-not-met = abaixo do limite
reason-no-data = sem dados
reason-nothing = sem leitura
reason-no-station = nenhuma estação perto o bastante
reason-silent = { $silent } de { $asked } estações sem sinal
measure-sum = em { $span }
measure-rate = de variação por hora, em { $span }
measure-latest = agora

station = Estação
quantity = Grandeza
last-value = Último valor
heard = Ouvida
measured-at = Medido
state = Estado
device = Dispositivo
online = conectado
station-fresh = com sinal
station-silent = sem sinal
station-feeds = Áreas que dependem desta estação
stations-silent = Sem sinal ({ $n })
stations-quarantined = { $n ->
    [one] 1 mensagem não foi entendida nas últimas 24 h.
   *[other] { $n } mensagens não foram entendidas nas últimas 24 h.
}
stations-none-silent = Todas as estações estão com sinal
stations-empty = Nenhuma estação ainda
stations-empty-text = Importe a rede de pluviômetros e réguas de um CSV ou GeoJSON; cada estação recebe seus dispositivos com senha própria.
quantity-rain = chuva
quantity-water-level = nível da água
quantity-flow = vazão
quantity-air-temperature = temperatura do ar
quantity-relative-humidity = umidade relativa
quantity-wind-speed = vento
quantity-wind-gust = rajada
quantity-soil-moisture = umidade do solo
quantity-battery = bateria

areas-title = Áreas de risco
areas-none-here = Nenhuma área neste nível
areas-empty = Nenhuma área de risco ainda
areas-empty-text = Importe os setores de risco do município em GeoJSON, com ameaça (COBRADE) e grau (R1 a R4).
area = Área
level = Nível
hazard = Ameaça
grade = Grau
reason = Motivo
area-history = Como chegou aqui
area-no-history = O nível desta área ainda não mudou.

alert = Alerta
alerts-drafts = Rascunhos
alerts-active = Em vigor
alerts-empty = Nenhum alerta
alerts-empty-text = Quando uma área sobe de nível, a regra escreve um rascunho. Uma pessoa revisa e emite; o que foi emitido fica aqui para sempre.
number = Número
created = Criado
expires = Vale até
state-draft = rascunho
state-discarded = descartado
state-issued = em vigor
state-superseded = substituído
state-cleared = encerrado
state-cancelled = cancelado
state-expired = vencido
kind-alert = alerta
kind-update = atualização
kind-all-clear = fim do alerta
kind-cancel = cancelamento
status-actual = real
actor-rule = regra
actor-service = serviço
actor-policy = política automática
action-drafted = rascunho criado
action-edited = textos editados
action-area-joined = área entrou
action-area-left = área saiu
action-issued = emitido
action-discarded = descartado
action-cleared = encerrado
action-cancelled = cancelado
action-superseded = substituído
action-expired = venceu
action-raised = nível subiu

review-title = Revisar alerta
review-by-rule = Rascunho da regra { $rule }, { $at }.
review-by-hand = Rascunho de { $who }, { $at }.
review-areas = { $n ->
    [one] 1 área
   *[other] { $n } áreas
}
review-map = Mapa da área do alerta
why-title = Por quê
saved = Rascunho salvo.
conflict = Alguém (ou a regra) mudou este rascunho enquanto você escrevia. Abaixo está a versão atual; confira e repita o que ainda vale.
incomplete = Ainda falta algo
your-words = O que você tinha escrito
bad-expiry = validade: { $value } não é uma data e hora deste fuso
field-sms = Mensagem SMS
field-headline = Título
field-description = Descrição
field-instruction = O que fazer (uma linha por passo)
field-expires = Vale até
preview-phone = No celular
preview-email = Ver o e-mail
preview-cap = Ver o CAP 1.2
preview-cap-none = A mensagem CAP aparece aqui quando nada mais faltar.
preview-cap-note = Prévia dos textos salvos. Número e identificador só ficam definidos na emissão.
checks-title = Verificação
check-areas = diz onde: { $n ->
    [one] 1 área
   *[other] { $n } áreas
}
check-instruction = diz o que fazer
check-expires = vale até { $at }
check-headline = título com { $n } letras (até 140)
check-sms = { $n ->
    [one] SMS em 1 segmento
   *[other] SMS em { $n } segmentos
}
check-reach = alcança { $n } inscrições
check-unreachable = { $n } moradores dentro da área sem canal confirmado
check-cap = CAP 1.2 completo e válido
sms-units = { $n } caracteres
sms-segments = { $n ->
    [one] 1 segmento
   *[other] { $n } segmentos
}
sms-forcing = Estas letras dobram o custo: { $letters }. Escreva sem elas para caber em GSM 7-bit.
seconds = { $n } s
minutes-seconds = { $m } min { $s } s
bar-title = Alcance e custo
bar-residents = moradores
bar-time = para enviar todas
bar-cost = custo estimado
unsaved = mudanças ainda não salvas
save-draft = Salvar rascunho
act-issue = Aprovar e emitir
act-end = Aprovar e encerrar o alerta
act-cancel = Aprovar e cancelar o alerta
needs-approver = Emitir cabe a quem aprova ou coordena.
confirm-text = Saem agora { $sms } SMS e { $email } e-mails.
confirm-public = O aviso aparece na página pública e nos feeds CAP.
confirm-final = Depois de emitido, o texto não muda mais; só um novo aviso o atualiza, encerra ou cancela.
confirm-do = Emitir agora
discard = Descartar rascunho
discard-reason = Por quê?
discard-do = Descartar
issued-by = emitido por { $who } em { $at }
draft-all-clear = Encerrar (fim do alerta)
draft-cancel = Cancelar
public-page-of = página pública
history = Histórico
recipients = Destinatários
channel = Canal
channel-sms = SMS
channel-email = e-mail
address = Endereço
attempts = Tentativas
at = Quando
outbox-pending = na fila
outbox-sending = enviando
outbox-accepted = aceita
outbox-unknown = incerta
outbox-delivered = entregue
outbox-rejected = recusada
outbox-undelivered = não entregue
outbox-expired = venceu
outbox-suppressed = não enviada

incident = Ocorrência
incidents-empty = Nenhuma ocorrência
incidents-empty-text = Emitir um alerta abre a ocorrência; a linha do tempo guarda sozinha quem fez o quê e quando.
incident-state-open = aberta
incident-state-closed = encerrada
incident-closed-already = Esta ocorrência já foi encerrada.
incident-close = Encerrar ocorrência
incident-close-reason = Como terminou?
opened = Aberta
timeline = Linha do tempo
note-add = Acrescentar nota
note-do = Registrar

outbox-title = Mensagens que sairiam
outbox-lead = Sem operadora ou servidor de e-mail configurado, as mensagens ficam aqui, como quem recebe as veria. Nada saiu desta máquina.
outbox-count = { $n ->
    [one] 1 mensagem
   *[other] { $n } mensagens
}
outbox-empty = Nada saiu ainda
outbox-empty-text = Emita um alerta e as mensagens de cada morador aparecem aqui em segundos.
quarantine-lead = O que chegou e não pôde ser entendido. Nada se perde: o conteúdo fica guardado com o campo e o valor errados.
quarantine-empty = Nada em quarentena
quarantine-empty-text = Tudo o que chegou foi entendido.
quarantine-field = Campo
quarantine-payload = Conteúdo

public-title = Alertas da Defesa Civil em { $town }
public-calm = Nenhum alerta em vigor
public-calm-text = Se chover forte, fique atento: rachaduras, estalos, árvores ou postes inclinados e água barrenta são sinais de perigo. Saia e ligue.
public-map = Mapa
public-map-note = Cores e formas mostram o nível de cada área. Riscado: sem dados — não quer dizer seguro.
public-updated = Atualizado às { $at }.
public-levels = Níveis por área
public-no-areas = As áreas de risco ainda não foram publicadas.
public-systems = Para outros sistemas
public-systems-text = Os alertas no padrão aberto CAP 1.2, para rádios, aplicativos e outras cidades.
public-phones = Telefones
phone-fire = Bombeiros
feed-title = Alertas em Atom
valid-until = vale até { $at }
issued-at = emitido { $at }
danger-call = Em perigo? Ligue
where = Onde
meaning-maximum = Perigo imediato: saia agora para um lugar seguro.
meaning-alert = Risco alto: prepare-se para sair e siga as orientações.
meaning-attention = Fique atento à chuva e aos sinais do terreno.
meaning-observation = Chuva acompanhada de perto.
meaning-unknown = Sem leituras recentes. Não quer dizer seguro.
meaning-normal = Sem sinais de risco nas medições.

moved = O rascunho mudou enquanto você estava aqui (área nova, nível ou outra pessoa).
moved-look = Ver como está agora
and-more = e mais { $n }

## administration
nav-admin = Administração
admin-none = Nada aqui é da sua função.

## audit
act-device-enable = aceitou de novo o dispositivo
act-device-rotate = deu novo segredo ao dispositivo
act-device-retire = encerrou o segredo anterior do dispositivo
act-certificate-add = registrou um certificado de dispositivo
act-certificate-revoke = revogou um certificado de dispositivo
act-token-rotate = trocou o segredo da chave de API

## accounts

## identity provider

## machines
admin-tokens = Chaves de API
admin-tokens-text = Programas que agem em nome de alguém: o que podem, quando foram usadas, até quando valem.
admin-devices = Dispositivos
admin-devices-text = O que publica leituras: segredos, certificados, última comunicação.
tokens-lead = Uma chave deixa um programa agir em nome de quem a criou. Dê a ela só o que o programa precisa.
tokens-empty = Nenhuma chave
tokens-empty-text = Crie uma chave para que um programa leia ou envie dados pela API sem a sua senha.
token-fresh = A chave { $name }
token-once = Copie agora: ela não fica guardada e não será mostrada de novo.
token-secret = Chave
token-old-works = A anterior ainda funciona até { $at }.
token-owner = De quem
token-name = Para quê
token-name-label = Para que serve
token-begins = Começa com
token-may = O que pode
token-used = Último uso
token-ends = Vale até
token-acts = Ações
token-older = (antiga)
token-old = anterior:
token-never = nunca
token-rotate = Trocar o segredo
token-grace = Horas em que a anterior ainda funciona
token-revoke = Revogar
token-revoke-ask = Revogar a chave { $name } de { $owner }?
token-revoke-text = O programa que a usa é recusado já no próximo pedido, e as conexões abertas terminam. Não há volta: depois só uma chave nova.
token-new = Nova chave
token-days = Dias até terminar
token-scope-help = O que pede segunda etapa às pessoas, e a própria conta, só entram se marcados.
token-scope-all = tudo o que o dono pode
token-make = Criar a chave
token-state-active = ativa
token-state-expired = vencida
token-state-revoked = revogada
permission-own-account = a própria conta
permission-see-console = ver a central
permission-see-deliveries = ver mensagens com o destino
permission-see-residents = ver moradores
permission-edit-residents = mudar moradores
permission-edit-catalogue = mudar áreas e estações
permission-manage-devices = gerir dispositivos
permission-draft-alerts = preparar alertas
permission-issue-alerts = emitir alertas
permission-report-field = relatar do campo
permission-run-incidents = conduzir ocorrências
permission-manage-staff = gerir pessoas
permission-manage-tokens = gerir as chaves de todos
permission-read-audit = ler a auditoria
permission-manage-privacy = atender pedidos sobre dados
permission-open-vault = abrir o cofre
devices-lead = Cada dispositivo entra com um segredo ou um certificado seu. Trocar o segredo não interrompe: o anterior vale até o novo ser usado, mais um prazo.
devices-empty = Nenhum dispositivo
devices-empty-text = Importe estações com seus dispositivos, ou acrescente um aqui: o segredo é mostrado uma vez.
device-code = Código
device-seen = Última comunicação
device-secret-used = Segredo usado
device-secret-current = atual
device-secret-previous = anterior
device-secret-none = nenhum ainda
device-previous = Segredo anterior
device-previous-waits = vale até o novo ser usado
device-previous-ends = termina { $at }
device-state-online = conectado
device-state-offline = desconectado
device-state-revoked = revogado
device-add = Acrescentar dispositivo
device-add-do = Criar com segredo
device-station = Código da estação
device-fresh = O segredo de { $name }
device-fresh-use = MQTT: usuário é o código, senha é o segredo. HTTP: Authorization: Bearer código.segredo
device-rotate = Trocar o segredo
device-rotate-text = O dispositivo continua com o segredo atual. Na primeira vez que o novo for usado, o anterior ainda vale pelo prazo abaixo.
device-grace = Minutos de prazo depois do primeiro uso do novo
device-retire = Encerrar já o segredo anterior
device-revoke = Revogar
device-revoke-text = O dispositivo é desconectado e recusado em um segundo. Suas leituras ficam.
device-revoke-type = Para confirmar, digite { $code }
device-revoke-mismatch = O código digitado não é o do dispositivo.
device-enable = Aceitar de novo
device-enable-text = Os mesmos segredos e certificados voltam a valer. Se algum vazou, troque-o antes.
device-certificates = Certificados
device-certificates-empty = Nenhum certificado. Cole um aqui para que o dispositivo entre por TLS sem segredo.
device-certificate-add = Registrar certificado
device-certificate-pem = Certificado (PEM)
device-certificate-print = Impressão SHA-256
device-certificate-ends = Vence
device-many = Mais antigos na próxima página.

## privacy
outbox-notice = Aviso pessoal
outbox-secret = Contém um código ou link pessoal, que só a administração de contas vê aqui.
outbox-gone = Já venceu; o texto foi apagado.

## photographs

## approvals
