given("of-mllm__bolt_4",{"outcomes":"122112211221222211221121","labels":null});
