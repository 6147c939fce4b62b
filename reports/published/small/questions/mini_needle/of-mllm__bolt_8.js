given("of-mllm__bolt_8",{"outcomes":"112122221221222212221121","labels":null});
