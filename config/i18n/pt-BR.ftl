# Textos das páginas, em português do Brasil. Cada chave daqui existe também em en.ftl; um teste confere.

skip = Ir para o conteúdo
other-language = English
theme-light = Tema claro
theme-dark = Tema escuro
nav-main = Principal
nav-public = Página pública
nav-console = Painel da Defesa Civil
status-exercise = EXERCÍCIO.
status-test = TESTE.

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
