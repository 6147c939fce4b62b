given("of-mllm__bolt_4",{"outcomes":"332113311333222333233323","labels":null});
