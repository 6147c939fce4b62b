given("of-mllm__bolt_2",{"outcomes":"212221221221222111122122","labels":null});
