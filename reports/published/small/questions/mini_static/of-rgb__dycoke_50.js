given("of-rgb__dycoke_50",{"outcomes":"333333333332333233323333","labels":null});
