given("of-rgb__llava_scissor_10",{"outcomes":"332321333332333333233376","labels":null});
