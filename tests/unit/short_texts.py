"""Short messages of customers with the language that each was written in, by the persons who would write them."""

SHORT_TEXTS = """
es wifi no conecta
es sin señal desde ayer
es la web tira error
es router con luz roja
es no carga
es se cuelga el programa
es el login falla
es clave vencida
es contraseña olvidada
es cobro duplicado
es tarjeta rechazada
es me sale error al pagar
es app cerrada sola
es internet lento
es instalación fallida
es descarga trabada
es pantalla en negro
es no abre
es se traba todo
es me rebota el pago
es no me toma la clave
es factura equivocada
es me da timeout
es error de red
es me tira un error raro
es la compu no prende
es se me apagó el módem
es no agarra wifi
es usuario bloqueado
es cuenta suspendida
es me hackearon la cuenta
es el wifi anda mal
es no hay internet
es no puedo loguearme
es se desconecta a cada rato
es reembolso pendiente
es me da de baja la sesión
es el setup no termina
es faltan permisos para instalar
es la app se queda pegada
es cargo desconocido
es correo rebotado
es no llega el mail
es la página queda en blanco
es crashea al abrir
es velocidad baja
es enlace caducado
es disco lleno al instalar
es me cobran de mas
es pago rechazado
es internet se cae
es la red no aparece
es cambié de clave y nada
es me piden un pin
es no anda el modem
es se cierra el app
es me deslogueó
es no puedo actualizar
es boleta mal emitida
es ya no entra
es da error 500
es olvide mi usuario
es la aplicación no responde
es me aparece pantalla azul
en wifi down
en no signal
en router blinking red
en app won't open
en page not loading
en blank screen
en payment rejected
en double charge
en refund pending
en invoice wrong
en login fails
en locked account
en forgotten password
en reset link expired
en install stuck
en download frozen
en setup crashes
en disk full error
en slow connection
en keeps buffering
en app freezes constantly
en charged twice
en unknown charge
en code never arrives
en can't sign in
en internet drops
en stuck at 40%
en modem dead
en blue screen
en account hacked
en missing permissions
en error on checkout
en overcharged again
en password rejected
en browser hangs
en network unavailable
en update failed
en bill too high
en lost my login
en speeds are terrible
en app closes itself
en wifi password wrong
en verification email missing
en wrong amount billed
en screen goes white
en connection timed out
en username taken
en installer won't run
pt wifi caiu
pt sem sinal
pt roteador piscando vermelho
pt app não abre
pt página em branco
pt tela preta
pt pagamento recusado
pt cobrança em dobro
pt reembolso pendente
pt fatura errada
pt login não funciona
pt conta bloqueada
pt senha esquecida
pt link vencido
pt instalação travada
pt baixando e para
pt disco cheio
pt internet lenta
pt cartão negado
pt cobrado duas vezes
pt código não chega
pt nao entra
pt caiu a conexão
pt modem desligado
pt tela azul
pt invadiram minha conta
pt falta permissão
pt erro ao pagar
pt cobraram a mais
pt senha recusada
pt navegador travado
pt rede indisponível
pt atualização falhou
pt boleto muito alto
pt perdi meu login
pt o aplicativo trava
pt fecha sozinha
pt deu erro na instalação
pt não carrega nada
pt sem internet
pt nao recebi o email
pt travou de novo
pt estou sem rede
pt o telemóvel não liga
pt a ligação está lenta
pt o ecrã ficou preto
pt o ficheiro não descarrega
pt a palavra-passe está errada
pt cancelaram meu acesso
pt cadê meu reembolso
pt usuário inválido
pt aplicação bloqueia
pt factura em duplicado
"""
"""One a line: language, then the text. Of Madrid, Buenos Aires and Mexico, of London and Ohio, of São Paulo and Lisbon."""


def short_texts() -> list[tuple[str, str]]:
    """Language and text of each."""
    return [(line[:2], line[3:]) for line in SHORT_TEXTS.strip().splitlines()]
