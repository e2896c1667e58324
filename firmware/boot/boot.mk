$(call library,boot,$(addprefix firmware/boot/,button.c memory.c picture.c radios.c record.c rootdisk.c setup.c uevent.c \
  usbjudge.c usbquestion.c usbtree.c usbtrust.c wallrules.c wallwatch.c))
$(call program,init,firmware/boot/init.c,boot firmware,-lseccomp,,-static-pie)
$(call program,guard,firmware/boot/guardproc.c,boot firmware,-lseccomp)
$(call program,wall,firmware/boot/wallproc.c,boot firmware,-lnftables -lseccomp)

# What init shows when nothing else can draw any more: text set by the build, one bit a dot.
PICTURES := $(patsubst firmware/boot/pictures/%.txt,$(B)/pictures/%.pbm,$(wildcard firmware/boot/pictures/*.txt))
PROGRAMS += $(PICTURES)
$(B)/pictures/%.pbm: firmware/boot/pictures/%.txt
	$(call say,PICTURE,$@)
	$(Q)mkdir -p $(@D) && convert -background white -fill black -gravity center -pointsize 24 -interline-spacing 8 \
	  -font /usr/share/fonts/opentype/ipafont-gothic/ipagp.ttf "label:$$(cat $<)" -threshold 50% PBM:$@
