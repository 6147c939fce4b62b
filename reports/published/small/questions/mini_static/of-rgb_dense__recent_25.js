given("of-rgb_dense__recent_25",{"outcomes":"441421222122214412444444","labels":null});
