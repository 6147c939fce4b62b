given("of-mllm__bolt_8",{"outcomes":"332123231333222333233321","labels":null});
