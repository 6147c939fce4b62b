given("of-mllm__oracle_8",{"outcomes":"113133232231221331113323","labels":null});
